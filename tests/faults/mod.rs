//! What the machine does to a sweep - full disks, locks, folders that go away or cannot be written, files
//! that change - with the real binary: each ends in one clear message and a database to resume from.

mod changes;
mod disk;
mod folders;
mod locks;
mod mounts;
mod running;
