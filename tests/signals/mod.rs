//! Signals as schedulers, containers and terminals send them: to every process of a sweep, to some, and in either order.

#![cfg(target_os = "linux")]

mod job;
mod pauses;
mod stops;
