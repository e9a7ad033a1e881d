//! The program from outside: the real binary driven end to end, the protocol spoken by hand, the scheduler with made-up
//! workers, and the rules of the house. One program, since each test program more is linked anew at every change.

mod circles;
mod cleaning;
mod commands;
mod common;
mod coverage;
mod cross_validation;
mod describe;
mod editions;
mod end_to_end;
mod engines;
mod ensemble;
mod evidence;
mod failures;
mod faults;
mod held_out;
mod hostile;
mod init;
mod launcher;
mod links;
mod messages;
mod missing_models;
mod more_seeds;
mod names;
mod output;
mod power;
mod predict;
mod refit;
mod schedule;
mod scores;
mod signals;
mod tidy;
mod torture;
mod transfer;
mod worker;
mod zero_line;
