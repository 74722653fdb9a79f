//! The rules one by one, then all of them at once in a world where anything may happen.

mod anything;
mod world;

use std::time::Duration;

use super::*;
use crate::launcher::ending::GIVE_UP_FOR;
use crate::launcher::scale::LESS_AFTER;
use world::World;

#[test]
fn every_place_gets_its_container() {
    let mut world = World::new(&[2, 1]);
    world.run(Duration::from_secs(30));
    assert_eq!(world.running(), ["0/0 v1", "0/1 v1", "1/0 v1"]);
}

#[test]
fn a_container_that_ended_is_started_again() {
    let mut world = World::new(&[1]);
    world.run(Duration::from_secs(30));
    let before = world.containers();
    world.end(0, 0, 1);
    world.run(Duration::from_secs(30));
    assert_eq!(world.containers(), before);
    assert_eq!(world.running().len(), 1);
    assert_eq!(world.enrolled, 1);
}

#[test]
fn a_lost_gpu_takes_a_new_container_and_the_old_worker_is_retired() {
    let mut world = World::new(&[1]);
    world.run(Duration::from_secs(30));
    let before = world.containers();
    world.end(0, 0, 8);
    world.run(Duration::from_secs(30));
    assert_ne!(world.containers(), before);
    assert_eq!(world.running().len(), 1);
    assert_eq!((world.enrolled, world.workers()), (2, 1));
}

#[test]
fn a_refused_token_is_enrolled_anew_once_then_the_place_rests() {
    let mut world = World::new(&[1]);
    world.run(Duration::from_secs(30));
    world.end(0, 0, 4);
    world.run(Duration::from_secs(7));
    assert_eq!(world.enrolled, 2);
    world.end(0, 0, 4);
    world.run(GIVE_UP_FOR - Duration::from_secs(5));
    assert_eq!((world.enrolled, world.running().len()), (2, 0));
    world.run(Duration::from_secs(30));
    assert_eq!((world.enrolled, world.running().len()), (3, 1));
}

#[test]
fn a_new_image_is_rolled_out_one_by_one() {
    let mut world = World::new(&[2, 1]);
    world.run(Duration::from_secs(60));
    world.image_everywhere("v2");
    world.run_watching(Duration::from_secs(300), |world| {
        assert!(world.running().len() >= 2, "{:?}", world.running());
    });
    assert_eq!(world.running(), ["0/0 v2", "0/1 v2", "1/0 v2"]);
    assert_eq!(world.workers(), 3);
}

#[test]
fn an_image_that_does_not_come_online_is_rolled_back_and_not_tried_again() {
    let mut world = World::new(&[2]);
    world.run(Duration::from_secs(60));
    world.image_everywhere("bad");
    world.run_watching(Duration::from_secs(900), |world| {
        assert!(
            world.running().contains(&"0/1 v1".to_owned()),
            "{:?}",
            world.running()
        );
    });
    assert_eq!(world.running(), ["0/0 v1", "0/1 v1"]);
    assert_eq!(
        world.enrolled, 4,
        "one more for the bad image, one more for the way back"
    );
    world.image_everywhere("v3");
    world.run(Duration::from_secs(300));
    assert_eq!(world.running(), ["0/0 v3", "0/1 v3"]);
}

#[test]
fn nobody_is_rolled_while_the_coordinator_does_not_answer() {
    let mut world = World::new(&[2]);
    world.run(Duration::from_secs(60));
    world.is_coordinator_up = false;
    world.image_everywhere("v2");
    world.run(Duration::from_secs(900));
    assert_eq!(world.running(), ["0/0 v1", "0/1 v1"]);
}

#[test]
fn a_changed_recipe_is_rolled_out_like_an_image() {
    let mut world = World::new(&[2]);
    world.run(Duration::from_secs(60));
    let before = world.containers();
    world.recipe = "other".into();
    world.run(Duration::from_secs(300));
    assert_eq!(world.running(), ["0/0 v1", "0/1 v1"]);
    assert!(world.containers().iter().all(|id| !before.contains(id)));
}

#[test]
fn a_silent_host_holds_up_nobody() {
    let mut world = World::new(&[1, 1]);
    world.run(Duration::from_secs(60));
    world.silent.insert(HostId(0));
    world.image_everywhere("v2");
    world.end(1, 0, 1);
    world.run(Duration::from_secs(300));
    assert_eq!(world.running(), ["0/0 v1", "1/0 v2"]);
    world.silent.clear();
    world.run(Duration::from_secs(300));
    assert_eq!(world.running(), ["0/0 v2", "1/0 v2"]);
}

#[test]
fn a_launcher_that_comes_back_adopts_what_is_there() {
    let mut world = World::new(&[3]);
    world.run(Duration::from_secs(60));
    let before = world.containers();
    world.new_launcher();
    world.run(Duration::from_secs(300));
    assert_eq!(world.containers(), before);
    assert_eq!(world.enrolled, 3);
}

#[test]
fn a_launcher_that_comes_back_leaves_room_for_what_a_silent_host_may_run() {
    for is_coordinator_up in [true, false] {
        let mut world = World::scaled(&[1, 1], 1, 1);
        world.run(Duration::from_secs(5));
        world.silent.insert(HostId(0));
        world.is_coordinator_up = is_coordinator_up;
        world.new_launcher();
        world.run(Duration::from_secs(300));
        assert_eq!(world.running(), ["0/0 v1"]);
        world.end(0, 0, 1);
        world.is_coordinator_up = true;
        world.run(Duration::from_secs(300));
        assert_eq!(world.running(), ["1/0 v1"]);
    }
}

#[test]
fn a_launcher_that_comes_back_clears_up_what_was_begun() {
    let mut world = World::new(&[1]);
    world.leave_half_made(0, 0);
    world.leave_enrolled(0, 0);
    world.run(Duration::from_secs(300));
    assert_eq!(world.running(), ["0/0 v1"]);
    assert_eq!(world.workers(), 1);
}

#[test]
fn workers_follow_the_demand_and_leave_by_finishing() {
    let mut world = World::scaled(&[4], 0, 3);
    world.run(Duration::from_secs(60));
    assert_eq!(world.running().len(), 0);
    world.queued = 400;
    world.run(Duration::from_secs(60));
    assert_eq!(world.running().len(), 3);
    world.queued = 0;
    world.run(LESS_AFTER + Duration::from_secs(120));
    assert_eq!((world.running().len(), world.workers()), (0, 0));
    assert_eq!(world.kills, 0);
}

#[test]
fn who_does_not_finish_in_time_is_killed() {
    let mut world = World::new(&[1]);
    world.run(Duration::from_secs(60));
    world.is_deaf = true;
    world.fleet.stop();
    world.run(world::DRAIN_FOR - Duration::from_secs(5));
    assert_eq!((world.kills, world.running().len()), (0, 1));
    world.run(Duration::from_secs(60));
    assert_eq!((world.kills, world.containers().len()), (1, 0));
    assert!(world.is_gone());
}

#[test]
fn a_second_signal_does_not_wait() {
    let mut world = World::new(&[2]);
    world.run(Duration::from_secs(60));
    world.is_deaf = true;
    world.fleet.stop();
    world.run(Duration::from_secs(5));
    world.fleet.hurry();
    world.run(Duration::from_secs(30));
    assert!(world.is_gone());
    assert_eq!(world.kills, 2);
}

#[test]
fn a_host_without_the_image_is_left_alone() {
    let mut world = World::new(&[1]);
    world.image_nowhere();
    world.run(Duration::from_secs(60));
    assert_eq!(world.enrolled, 0);
}
