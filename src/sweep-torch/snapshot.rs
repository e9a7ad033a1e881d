//! The numbers of lanes, copied from the device.

use sweep_engine::models::mlp::trial_state::List;
use tch::{Device, Tensor};

use crate::layout::Layout;
use crate::optimizer::Numbers;

/// The lanes' numbers on the host, each list fetched once and only if it is wanted.
pub struct Snapshot<'a> {
    pub numbers: &'a Numbers,
    pub running: &'a [Tensor],
    pub layout: &'a Layout,
    pub lanes: usize,
    pub normalised: usize,
    pub fetched: Vec<(List, Vec<f32>)>,
}

impl Snapshot<'_> {
    /// The numbers of `list` of lane `lane`; none where there is no such list.
    pub fn lane(&mut self, list: List, lane: usize) -> Vec<f32> {
        if !self.fetched.iter().any(|(other, _)| *other == list) {
            let numbers = self.fetch(list);
            self.fetched.push((list, numbers));
        }
        let found = self.fetched.iter().find(|(other, _)| *other == list);
        let all = &found.expect("fetched above").1;
        let of = |lanes: usize| {
            let own = all.len() / lanes;
            &all[lane * own..][..own]
        };
        let normalises = lane < self.normalised;
        match list {
            _ if all.is_empty() => Vec::new(),
            List::Running if normalises => of(self.normalised).to_vec(),
            List::Running => Vec::new(),
            _ => self.layout.scatter(of(self.lanes), normalises),
        }
    }

    fn fetch(&self, list: List) -> Vec<f32> {
        let tensor = match list {
            List::Parameters => Some(self.numbers.parameters.shallow_clone()),
            List::First => self.numbers.first.as_ref().map(Tensor::shallow_clone),
            List::Second => self.numbers.second.as_ref().map(Tensor::shallow_clone),
            List::Average => self.numbers.average.as_ref().map(Tensor::shallow_clone),
            List::Running if self.running.is_empty() => None,
            List::Running => {
                let running = self.running.iter();
                let lanes = self.normalised as i64;
                let running: Vec<Tensor> = running.map(|all| all.view([lanes, -1])).collect();
                Some(Tensor::cat(&running, 1))
            }
        };
        tensor.map(|tensor| to_host(&tensor)).unwrap_or_default()
    }
}

/// The numbers of `tensor` in row-major order.
pub fn to_host<T: tch::kind::Element + Default + Clone>(tensor: &Tensor) -> Vec<T> {
    let mut numbers = vec![T::default(); tensor.numel()];
    let count = numbers.len();
    tensor
        .to_device(Device::Cpu)
        .contiguous()
        .copy_data(&mut numbers, count);
    numbers
}
