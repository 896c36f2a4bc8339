//! Whether a lane takes event ids for new until the database says otherwise.
//!
//! New ids are the rule, and then rows can be copied in without a look. Where one of them is not new the whole lot was
//! written for nothing, so after a loss a lane looks first for a while: twice as long after each loss, half as long after
//! each time that trust was well placed.

/// Lots that are written carefully after the first loss.
const SHORTEST: u32 = 8;

/// Lots that are written carefully at most before trust is tried again.
const LONGEST: u32 = 512;

/// A lane's trust.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// Lots that are still to be written carefully.
    left: u32,
    /// How many that were after the last loss.
    penalty: u32,
    /// Whether the last lot was trusted.
    trusted: bool,
}

impl Trust {
    /// Whether the next lot is to be trusted.
    pub(super) fn ask(&mut self) -> bool {
        if self.trusted {
            self.penalty /= 2;
        }
        self.trusted = self.left == 0;
        self.left = self.left.saturating_sub(1);
        self.trusted
    }

    /// Says that trust was misplaced: the same lot comes again.
    pub(super) fn lose(&mut self) {
        self.penalty = (self.penalty * 2).clamp(SHORTEST, LONGEST);
        self.left = self.penalty;
        self.trusted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many lots are careful before one is trusted.
    fn careful(trust: &mut Trust) -> u32 {
        (0..).find(|_| trust.ask()).unwrap()
    }

    #[test]
    fn a_loss_costs_trust_for_a_while_and_losses_in_a_row_for_longer() {
        let mut trust = Trust::default();
        assert_eq!(careful(&mut trust), 0);
        for wanted in [8, 16, 32, 64, 128, 256, 512, 512] {
            trust.lose();
            assert_eq!(careful(&mut trust), wanted);
        }
    }

    #[test]
    fn trust_that_is_well_placed_heals() {
        let mut trust = Trust::default();
        for _ in 0..4 {
            trust.lose();
            careful(&mut trust);
        }
        assert_eq!((0..8).map(|_| careful(&mut trust)).sum::<u32>(), 0);
        trust.lose();
        assert_eq!(careful(&mut trust), SHORTEST);
    }
}
