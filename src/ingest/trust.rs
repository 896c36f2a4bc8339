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
}

impl Trust {
    /// Whether event ids are taken for new.
    pub(super) fn is_given(&self) -> bool {
        self.left == 0
    }

    /// Says that a lot of events was stored.
    pub(super) fn keep(&mut self) {
        match self.left {
            0 => self.penalty /= 2,
            _ => self.left -= 1,
        }
    }

    /// Says that trust was misplaced: the same lot comes again.
    pub(super) fn lose(&mut self) {
        self.penalty = (self.penalty * 2).clamp(SHORTEST, LONGEST);
        self.left = self.penalty;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many lots are written carefully before one is trusted.
    fn careful(trust: &mut Trust) -> u32 {
        (0..)
            .find(|_| {
                trust.is_given() || {
                    trust.keep();
                    false
                }
            })
            .unwrap()
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
        for _ in 0..8 {
            assert!(trust.is_given());
            trust.keep();
        }
        trust.lose();
        assert_eq!(careful(&mut trust), SHORTEST);
    }
}
