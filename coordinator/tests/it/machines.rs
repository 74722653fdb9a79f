//! What owners see of their machines.

mod doctor;
