//! A tiny picture on every slot with every runtime: what is listed does not have to work.

use pictor_protocol::agent::Capability;

use super::{Check, Outcome};
use crate::probe::ProbeOutcome;

pub(super) fn checks(rendered: Option<&Result<Vec<ProbeOutcome>, String>>) -> Vec<Check> {
    let nothing = |why: &str| {
        let remedy = "first heal what the other checks say of GPUs, runtimes and disk";
        vec![Check::failed("render", why, remedy)]
    };
    match rendered {
        None => vec![Check::not_applicable("render", "--render was not given")],
        Some(Err(why)) => nothing(why),
        Some(Ok(rendered)) if rendered.is_empty() => nothing("there is nothing to render with"),
        Some(Ok(rendered)) => rendered.iter().map(|it| check(it, rendered)).collect(),
    }
}

/// A way that fails beside one that works costs speed only.
fn check(one: &ProbeOutcome, all: &[ProbeOutcome]) -> Check {
    let way = match one.can {
        Capability::CyclesCpu => "Cycles on the CPU",
        Capability::CyclesCuda => "Cycles with CUDA",
        Capability::CyclesOptix => "Cycles with OptiX",
        Capability::CyclesHip => "Cycles with HIP",
        Capability::Eevee => "EEVEE",
        Capability::Unknown => "something unknown",
    };
    let name = format!(
        "render: slot {}, Blender {}, {way}",
        one.slot, one.runtime.series
    );
    let why = match &one.result {
        Ok(took) => return Check::ok(name, format!("{:.1} s", took.as_secs_f64())),
        Err(why) => why,
    };
    let is_beside = |it: &&ProbeOutcome| it.slot == one.slot && it.runtime == one.runtime;
    let mut beside = all.iter().filter(is_beside);
    let outcome = if beside.any(|it| it.result.is_ok()) {
        Outcome::Warning
    } else {
        Outcome::Failed
    };
    let remedy = "look at the other checks: driver, libraries, container capabilities, memory";
    Check::new(name, outcome, why.clone(), Some(remedy.into()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pictor_protocol::agent::RuntimeInfo;
    use pictor_protocol::blender::Series;

    use super::*;

    #[test]
    fn a_way_that_fails_is_a_failure_unless_another_works_on_the_same_slot() {
        let good = || Ok(Duration::from_secs(1));
        let bad = || Err("no".to_owned());
        use Capability::{CyclesCuda, CyclesOptix};
        let rendered = [
            rendered(0, CyclesCuda, good()),
            rendered(0, CyclesOptix, bad()),
            rendered(1, CyclesCuda, bad()),
            rendered(1, CyclesOptix, bad()),
        ];
        use Outcome::{Failed, NotApplicable, Ok as Good, Warning};
        let rendered = Ok(rendered.to_vec());
        assert_eq!(outcomes(Some(&rendered)), [Good, Warning, Failed, Failed]);
        assert_eq!(outcomes(Some(&Ok(Vec::new()))), [Failed]);
        assert_eq!(outcomes(Some(&Err("no room".into()))), [Failed]);
        assert_eq!(outcomes(None), [NotApplicable]);
    }

    fn outcomes(rendered: Option<&Result<Vec<ProbeOutcome>, String>>) -> Vec<Outcome> {
        let checks = checks(rendered);
        checks.iter().map(|it| it.outcome).collect()
    }

    fn rendered(slot: u16, can: Capability, result: Result<Duration, String>) -> ProbeOutcome {
        ProbeOutcome {
            slot,
            runtime: RuntimeInfo {
                series: Series::new(4, 5),
                version: "4.5.15".into(),
            },
            can,
            result,
        }
    }
}
