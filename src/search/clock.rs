//! The virtual machine: `width` workers on which a job lasts its predicted cost. Decisions are made when one of its
//! workers is free and see what has ended there, so that they do not depend on real workers, their number or their
//! speed.

/// When each virtual worker is free.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clock {
    free: Vec<f64>,
}

impl Clock {
    pub fn new(width: usize) -> Clock {
        Clock {
            free: vec![0.0; width],
        }
    }

    /// When the next decision is made: as soon as a worker is free.
    pub fn now(&self) -> f64 {
        self.free.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Starts a job now, on the first free worker; returns when it ends.
    pub fn start(&mut self, cost: f64) -> f64 {
        let now = self.now();
        let end = now + cost;
        if let Some(worker) = self.free.iter_mut().find(|free| **free == now) {
            *worker = end;
        }
        end
    }

    /// Lets time pass where no decision was made: no worker is free before `time`.
    pub fn wait_until(&mut self, time: f64) {
        for free in &mut self.free {
            *free = free.max(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_go_to_the_worker_that_is_free_first() {
        let mut clock = Clock::new(2);
        assert_eq!(clock.start(3.0), 3.0);
        assert_eq!(clock.start(1.0), 1.0);
        assert_eq!(clock.now(), 1.0);
        assert_eq!(clock.start(1.0), 2.0);
        assert_eq!(clock.now(), 2.0);
        clock.wait_until(2.5);
        assert_eq!(clock.now(), 2.5);
        assert_eq!(clock.start(1.0), 3.5);
        assert_eq!(clock.now(), 3.0);
    }
}
