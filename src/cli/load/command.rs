//! `tidegate load`: from the first look at the server to the verdict.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use tokio::{sync::oneshot, time::interval};

use super::{
    Drive, Ended, Endpoint, Expected, Frame, Kind, LoadError, Pace, Plan, Push, Reading, Recipe,
    meter::{Meter, TICK},
    options::{Options, What},
    report::Report,
    single::{Single, explained},
    verify::{Baseline, Finding},
};
use crate::domain::clock::{Entropy, SystemClock, SystemEntropy};

/// Statuses after which there is no sense in going on.
const HOPELESS: [u16; 3] = [401, 403, 404];

/// Letters of the name of a run.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

pub(in crate::cli) async fn run(options: Options) -> anyhow::Result<()> {
    let kind = options.kind()?;
    let endpoint = Endpoint::find(&options.url).await?;
    let single = Single { endpoint: &endpoint, options: &options };
    let run = name(&SystemEntropy)?;
    let greeting = single.greet(&run).await?;
    let recipe = Recipe {
        frame: Frame::push(
            &endpoint,
            &options.project,
            &options.datasource,
            options.kind.path(),
            &options.key,
            options.gzip,
        ),
        kind,
        batch: options.batch,
        duplicates: options.duplicates,
        invalid: options.invalid,
        run,
        date: greeting.receipt.received_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        reading: if options.verify { Reading::Audit } else { Reading::Outcomes },
    };
    if matches!(kind, Kind::UnchangedContacts(_) | Kind::UpdatedContacts(_)) {
        prime(&endpoint, &options, &recipe).await?;
    }
    let baseline = match options.verify {
        true => {
            let now = single.greet(&recipe.run).await?.receipt.received_at;
            Some(Baseline::take(&single, now, options.duration).await?)
        }
        false => None,
    };
    let scripts = (0..options.connections).map(|connection| Push::new(&recipe, connection)).collect();
    let ended = drive(plan(&endpoint, &options), scripts, Meter::new(options.json)).await?;
    let Ended { counts, elapsed, cpu, scripts } = ended;
    let expected = Expected::of(scripts.into_iter().map(|script| script.expected));
    let finding = match baseline {
        Some(baseline) => {
            let now = single.greet(&recipe.run).await?.receipt.received_at;
            Some(baseline.compare(&single, kind, &expected, now).await?)
        }
        None => None,
    };
    Report { options: &options, counts: &counts, elapsed, cpu, finding: finding.as_ref() }.print()?;
    if counts.statuses.contains_key(&429) {
        budget_spent(&options, &greeting.datasource_uid);
    }
    if let Some(status) = HOPELESS.into_iter().find(|status| counts.statuses.contains_key(status)) {
        bail!("the load was broken off: {}", explained(status, b""));
    }
    concluded(finding, counts.done)
}

/// The end of the command, after its report.
fn concluded(finding: Option<Finding>, done: u64) -> anyhow::Result<()> {
    match finding {
        Some(Finding::Differs(reasons)) => {
            bail!("verification failed: what is stored is not what was acknowledged: {}", reasons.join("; "))
        }
        Some(Finding::Unknown(reasons)) => bail!("verification cannot tell: {}", reasons.join("; ")),
        Some(Finding::Exact(_)) | None => {}
    }
    anyhow::ensure!(done > 0, "not one request was carried out");
    Ok(())
}

fn plan(endpoint: &Endpoint, options: &Options) -> Plan {
    Plan {
        threads: options.threads.min(options.connections),
        pace: options.pace(),
        duration: options.duration,
        timeout: options.timeout,
        settle: options.timeout,
        honour_retry_after: !options.ignore_retry_after,
        ..Plan::new(endpoint.clone())
    }
}

/// Makes the contacts that are to be there, and waits for them as long as that takes.
async fn prime(endpoint: &Endpoint, options: &Options, recipe: &Recipe) -> anyhow::Result<()> {
    let scripts = (0..options.connections).map(|connection| Push::prime(recipe, connection)).collect();
    let plan = Plan {
        pace: Pace::Max,
        duration: Duration::from_secs(86_400),
        honour_retry_after: true,
        ..plan(endpoint, options)
    };
    let ended = drive(plan, scripts, Meter::new(true)).await.context("the contacts cannot be made")?;
    anyhow::ensure!(ended.counts.failed == 0, "the contacts cannot be made: {:?}", ended.counts.statuses);
    Ok(())
}

/// Runs a load on threads of its own, shows how it goes, and ends it early when the person at the terminal says so or when there
/// is no hope.
async fn drive(plan: Plan, scripts: Vec<Push>, mut meter: Meter) -> anyhow::Result<Ended<Push>> {
    let duration = plan.duration;
    let drive = Arc::new(Drive::new(plan, SystemClock::shared())?);
    let (tell, mut told) = oneshot::channel();
    let running = drive.clone();
    std::thread::Builder::new().name("load".into()).spawn(move || {
        // Nobody is there to be told when the command was broken off.
        drop(tell.send(running.run(scripts)));
    })?;
    let mut ticks = interval(TICK);
    let mut stopped = false;
    loop {
        tokio::select! {
            ended = &mut told => return Ok(ended.map_err(|_| LoadError::Thread)??),
            _ = ticks.tick() => {
                let (Some(elapsed), counts) = (drive.elapsed(), drive.so_far()?) else { continue };
                if HOPELESS.into_iter().any(|status| counts.statuses.contains_key(&status)) {
                    drive.stop();
                }
                meter.show(elapsed, duration, &counts);
            }
            signal = tokio::signal::ctrl_c() => {
                signal?;
                anyhow::ensure!(!stopped, "broken off");
                stopped = true;
                drive.stop();
            }
        }
    }
}

/// Eight letters that no other run has.
fn name(entropy: &dyn Entropy) -> anyhow::Result<String> {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes)?;
    Ok(bytes.map(|byte| char::from(LETTERS[usize::from(byte % 32)])).into_iter().collect())
}

/// Tells how to raise the budget.
fn budget_spent(options: &Options, datasource: &str) {
    let class = match options.kind {
        What::Events => "events.write",
        What::Contacts => "contacts.write",
    };
    use std::io::Write;
    // Nobody is left to tell when standard error is gone.
    let _unheard = writeln!(
        std::io::stderr(),
        "\nThe budget of the datasource was spent (429). To raise it, on the server:\n  tidegate datasource limit --datasource \
         {datasource} --class {class} --per-minute 1000000000"
    );
}
