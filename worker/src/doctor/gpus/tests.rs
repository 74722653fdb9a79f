use pictor_protocol::blender::Series;
use pictor_protocol::gpus::ComputeCapability;

use super::super::facts::Libraries;
use super::*;

const GIB: u64 = 1 << 30;

#[test]
fn without_a_gpu_it_depends_on_who_may_render_instead() {
    let mut facts = Facts::default();
    assert_eq!(driver(&facts, wanted(&facts)).outcome, Outcome::Warning);
    for (allow_cpu, outcome) in [(true, Outcome::NotApplicable), (false, Outcome::Failed)] {
        facts.config = Some(Ok((settings(allow_cpu), Vec::new())));
        assert_eq!(driver(&facts, wanted(&facts)).outcome, outcome);
    }
}

#[test]
fn a_driver_in_trouble_fails_with_the_remedy_of_its_cause() {
    for (error, device_nodes, outcome, remedy) in [
        (GpuError::VersionMismatch, 1, Outcome::Failed, "reboot"),
        (
            GpuError::Unknown,
            1,
            Outcome::Failed,
            "recreate the container",
        ),
        (GpuError::NoPermission, 0, Outcome::Failed, "access"),
        (GpuError::DriverNotLoaded, 1, Outcome::Failed, "modprobe"),
        (
            GpuError::SymbolMissing("x".into()),
            0,
            Outcome::Failed,
            "update",
        ),
        (
            GpuError::SymbolMissing("x".into()),
            1,
            Outcome::Warning,
            "update",
        ),
    ] {
        let facts = Facts {
            nvml: Err(error),
            device_nodes,
            ..Facts::default()
        };
        let check = driver(&facts, wanted(&facts));
        assert_eq!(check.outcome, outcome, "{check:?}");
        assert!(check.remedy.as_ref().unwrap().contains(remedy), "{check:?}");
    }
}

#[test]
fn driver_versions_compare_as_numbers() {
    for (version, least, expected) in [
        ("520.06", "520.06", false),
        ("520.6", "520.06", false),
        ("520.05", "520.06", true),
        ("1000.1", "520.06", false),
        ("535", "535.54.03", true),
        ("495.89", "535", true),
    ] {
        assert_eq!(is_older(version, least), expected, "{version} {least}");
    }
}

#[test]
fn the_drivers_version_is_held_against_the_networks() {
    for (driver, gpus, outcome) in [
        (Some("550.54.14"), vec![gpu(8, 9)], Outcome::Ok),
        (Some("470.82"), vec![gpu(8, 9)], Outcome::Failed),
        (None, vec![gpu(8, 9)], Outcome::Warning),
    ] {
        let facts = with_gpus(driver, gpus);
        let check = &checks(&facts)[0];
        assert_eq!(check.outcome, outcome, "{check:?}");
    }
    // As in a container with the driver and without a GPU.
    let facts = Facts {
        device_nodes: 1,
        ..with_gpus(Some("550.54"), Vec::new())
    };
    assert_eq!(checks(&facts)[0].outcome, Outcome::Failed);
}

#[test]
fn a_container_needs_three_capabilities() {
    for (set, outcome) in [
        (Some("compute,utility,graphics"), Outcome::Ok),
        (Some("all"), Outcome::Ok),
        (Some("graphics, compute, utility"), Outcome::Ok),
        (None, Outcome::Warning),
        (Some(""), Outcome::Warning),
        (Some("compute,graphics"), Outcome::Warning),
        (Some("utility,graphics"), Outcome::Failed),
    ] {
        assert_eq!(capabilities(true, set).outcome, outcome, "{set:?}");
    }
    assert_eq!(capabilities(false, None).outcome, Outcome::NotApplicable);
}

#[test]
fn a_library_has_to_be_there_and_to_hold_something() {
    let file = |bytes| LibraryFile {
        path: "/lib/x".into(),
        bytes,
    };
    for (found, cuda, optix) in [
        (Some(file(9)), Outcome::Ok, Outcome::Ok),
        (Some(file(0)), Outcome::Failed, Outcome::Warning),
        (None, Outcome::Failed, Outcome::Warning),
    ] {
        assert_eq!(cuda_library(found.as_ref()).outcome, cuda);
        let check = optional_library("OptiX library", "libnvoptix.so.1", "CUDA", found.as_ref());
        assert_eq!(check.outcome, optix);
    }
}

#[test]
fn a_gpu_is_held_against_what_the_network_asks_for() {
    let needs = supported().network;
    let small = Gpu {
        memory_bytes: Some(2 * GIB),
        ..gpu(7, 5)
    };
    for (gpu, outcome) in [
        (gpu(8, 9), Outcome::Ok),
        (gpu(5, 2), Outcome::Failed),
        (small, Outcome::Warning),
        (Gpu::default(), Outcome::Ok),
    ] {
        let check = network(0, &gpu, &needs);
        assert_eq!(check.outcome, outcome, "{check:?}");
    }
}

#[test]
fn each_blender_is_held_against_the_table() {
    let table = supported().blenders;
    for (series, gpu, driver, outcome) in [
        (Series::new(4, 5), gpu(8, 9), Some("550.54"), Outcome::Ok),
        (
            Series::new(5, 0),
            gpu(8, 9),
            Some("525.60"),
            Outcome::Warning,
        ),
        (
            Series::new(5, 0),
            gpu(3, 5),
            Some("550.54"),
            Outcome::Failed,
        ),
        (
            Series::new(4, 5),
            gpu(3, 5),
            Some("550.54"),
            Outcome::Warning,
        ),
        (Series::new(4, 5), Gpu::default(), None, Outcome::Ok),
        (Series::new(3, 4), gpu(8, 9), None, Outcome::NotApplicable),
    ] {
        let runtime = RuntimeInfo {
            series,
            version: series.to_string(),
        };
        let check = blender(0, &gpu, driver, &runtime, &table);
        assert_eq!(check.outcome, outcome, "{check:?}");
    }
}

#[test]
fn a_gpu_that_is_left_out_fails_only_when_no_other_is_left() {
    let lost = vec![(1, GpuError::Lost)];
    for (gpus, outcome) in [
        (vec![gpu(8, 9)], Outcome::Warning),
        (Vec::new(), Outcome::Failed),
    ] {
        let inventory = Inventory {
            gpus,
            unreadable: lost.clone(),
            ..Inventory::default()
        };
        let check = &left_out(&inventory)[0];
        assert_eq!(check.outcome, outcome, "{check:?}");
        assert!(
            check.remedy.as_ref().unwrap().contains("reboot"),
            "{check:?}"
        );
    }
}

fn gpu(major: u16, minor: u16) -> Gpu {
    Gpu {
        compute_capability: Some(ComputeCapability::new(major, minor)),
        memory_bytes: Some(24 * GIB),
        ..Gpu::default()
    }
}

fn with_gpus(driver: Option<&str>, gpus: Vec<Gpu>) -> Facts {
    Facts {
        nvml: Ok(Inventory {
            driver: driver.map(Into::into),
            gpus,
            ..Inventory::default()
        }),
        libraries: Libraries::default(),
        ..Facts::default()
    }
}

fn settings(allow_cpu: bool) -> crate::config::Settings {
    crate::config::Settings {
        coordinator: "http://c".into(),
        worker: pictor_protocol::WorkerId::new(uuid::Uuid::nil()),
        token: crate::config::Token::new("secret".into()),
        name: "w".into(),
        allow_cpu,
        slots: None,
        cache_bytes: 0,
        cache_dir: "/".into(),
        memory_bytes: None,
        runtimes_dir: None,
        idle_blender: std::time::Duration::ZERO,
    }
}
