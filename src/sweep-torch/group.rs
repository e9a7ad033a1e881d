//! The training loop: several lanes as one batched model, epoch by epoch.
//!
//! Invariant: a lane has its own numbers, its own place in its training and its own outcome; what it
//! gives is what it would give alone. Within an epoch nothing is read back from the device.

use sweep_core::awake;
use sweep_engine::Ended;
use sweep_engine::models::mlp::trial_state::{Inputs, List, ParamGroup, TrialState};
use sweep_engine::models::mlp::{Evaluation, Learned, init_rng};
use tch::{Device, Kind, Tensor};

use crate::active_lane::{
    ActiveLane, EarlyEnd, LaneOutcome, conclude, count_normalised, source, specs,
};
use crate::device_dataset::{DeviceDataset, Orders, Rows};
use crate::layout::Layout;
use crate::masks::{Masks, Source};
use crate::network::{Criterion, Lanes, Network, Pass};
use crate::optimizer::{Constants, Numbers, Table};
use crate::snapshot::{Snapshot, to_host};
use crate::trained::{Trained, Validated};

/// Validation rows that are scored at a time on a CPU; fixed, since the last bit of a product may hang on it.
const EVALUATION_ROWS: usize = 256;
/// Numbers of a layer that are held at a time on a GPU while validation rows are scored: 128 MB.
const EVALUATION_NUMBERS: usize = 1 << 25;

/// Lanes that are trained together.
struct Group<'w, 'a> {
    /// Those that normalise batches come first.
    lanes: Vec<ActiveLane<'w, 'a>>,
    network: Network,
    layout: Layout,
    device: Device,
    train: Rows,
    valid: Rows,
    /// Start and count of the parameters that are trained at one rate.
    param_groups: Vec<(i64, i64)>,
    constants: Constants,
    criterion: Criterion,
    numbers: Numbers,
    /// Running statistics, each [N * H].
    running: Vec<Tensor>,
    batch: usize,
    outputs: usize,
}

/// Trains `lanes`, at least one, each to its outcome.
///
/// # Panics
/// With libtorch's message when it fails, as when the device has no memory left.
pub fn train(
    lanes: Vec<ActiveLane<'_, '_>>,
    resident: &DeviceDataset,
    device: Device,
    ended: Ended<'_>,
) {
    let mut group = Group::new(lanes, resident, device);
    loop {
        group.remove_finished(|trial_state| trial_state.is_over().then_some(None), ended);
        if group.lanes.is_empty() {
            return;
        }
        group.epoch(ended);
    }
}

impl<'w, 'a> Group<'w, 'a> {
    fn new(
        mut lanes: Vec<ActiveLane<'w, 'a>>,
        resident: &DeviceDataset,
        device: Device,
    ) -> Group<'w, 'a> {
        lanes.sort_by_key(|active| !active.normalises());
        let normalised = count_normalised(&lanes);
        let first = &lanes[0].trial_state;
        let layout = Layout::of(first);
        let network = Network::of(first, &layout);
        let enter = |rows: &Rows| {
            let others = rows.without(first.categories(), first.other_features());
            let others = match first.inputs() {
                Inputs::Piecewise(edges) => others.in_bins(edges),
                Inputs::Plain | Inputs::Periodic { .. } => others,
            };
            others.with_numbers(rows, first.categories())
        };
        let learned = Learned::of(&first.job(), first.spec());
        let train = enter(&resident.train).weighted(learned.weights());
        let valid = enter(&resident.valid);
        let batch = first.spec().batch_rows(train.count());
        let param_groups = first.param_groups().into_iter();
        let param_groups = param_groups.map(|part| (part.start as i64, part.count as i64));
        let list = |list: List| {
            let lanes = lanes.iter();
            let lanes: Vec<Vec<f32>> = match list {
                List::Running => lanes
                    .take(normalised)
                    .map(|active| active.trial_state.numbers(list))
                    .collect(),
                _ => lanes
                    .map(|active| {
                        layout.gather(&active.trial_state.numbers(list), active.normalises())
                    })
                    .collect(),
            };
            if lanes.is_empty() {
                return None;
            }
            let size = [lanes.len() as i64, lanes[0].len() as i64];
            let numbers = Tensor::from_slice(&lanes.concat()).view(size);
            (size[1] > 0).then(|| numbers.to_device(device))
        };
        let running = list(List::Running).map(|all| {
            let cuts = all.split_with_sizes(network.running(), 1);
            cuts.into_iter().map(|cut| cut.reshape(-1).copy()).collect()
        });
        let mut group = Group {
            param_groups: param_groups.collect(),
            constants: Constants::of(&specs(&lanes), device),
            criterion: Criterion::Classes { smoothing: None },
            numbers: Numbers {
                parameters: list(List::Parameters).expect("an output has parameters"),
                first: list(List::First),
                second: list(List::Second),
                average: list(List::Average),
            },
            running: running.unwrap_or_default(),
            outputs: first.job().data.meta().outputs(),
            network,
            layout,
            device,
            train,
            valid,
            batch,
            lanes,
        };
        group.criterion = group.criterion_of_lanes();
        group
    }

    fn criterion_of_lanes(&self) -> Criterion {
        let first = &self.lanes[0].trial_state;
        if first.job().data.meta().number.is_some() {
            return Criterion::Numbers(first.spec().loss());
        }
        let shares = self.lanes.iter();
        let shares: Vec<f32> = shares
            .map(|active| active.trial_state.spec().label_smoothing as f32)
            .collect();
        let smoothing = shares.iter().any(|share| *share > 0.0).then(|| {
            Tensor::from_slice(&shares)
                .unsqueeze(1)
                .to_device(self.device)
        });
        Criterion::Classes { smoothing }
    }

    fn steps(&self) -> usize {
        self.train.count().div_ceil(self.batch)
    }

    /// One epoch of every lane.
    fn epoch(&mut self, ended: Ended<'_>) {
        let start = awake::now();
        let trained = self.train_epoch();
        let validated = self.validate();
        // Lanes share the machine evenly; what they are said to have taken adds up to what was taken.
        let seconds = awake::since(start).as_secs_f64() / self.lanes.len() as f64;
        let mut fates = Vec::with_capacity(self.lanes.len());
        {
            let mut snapshot = Snapshot {
                numbers: &self.numbers,
                running: &self.running,
                layout: &self.layout,
                lanes: self.lanes.len(),
                normalised: count_normalised(&self.lanes),
                fetched: Vec::new(),
            };
            let (steps, batch) = (self.steps(), self.batch);
            for (lane, (active, validated)) in self.lanes.iter_mut().zip(validated).enumerate() {
                let fate = conclude(
                    active,
                    &trained.lane(lane, (steps, batch)),
                    &validated,
                    seconds,
                    &mut |list| snapshot.lane(list, lane),
                );
                fates.push(fate);
            }
        }
        let mut fates = fates.into_iter();
        self.remove_finished(
            |_| match fates.next() {
                Some(LaneOutcome::Stopped(step)) => Some(Some(EarlyEnd::Stopped(step))),
                Some(LaneOutcome::Diverged(divergence)) => {
                    Some(Some(EarlyEnd::Diverged(divergence)))
                }
                Some(LaneOutcome::Stays) | None => None,
            },
            ended,
        );
    }

    /// Trains every lane through its next epoch.
    fn train_epoch(&mut self) -> Trained {
        let (rows, steps) = (self.train.count(), self.steps());
        let orders = Orders::new(&self.draw_orders(rows), self.device);
        let sources: Vec<Source> = self.lanes.iter().map(source).collect();
        let widths = self.network.widths();
        let mut masks = Masks::new(&sources, &widths, (self.batch, steps), self.device);
        let param_groups: Vec<Vec<ParamGroup>> = self
            .lanes
            .iter()
            .map(|active| active.trial_state.param_groups())
            .collect();
        let places = self.lanes.iter().zip(&param_groups);
        let places: Vec<(&TrialState<'_>, &[ParamGroup])> = places
            .map(|(active, param_groups)| (&active.trial_state, param_groups.as_slice()))
            .collect();
        let table = Table::of(&places, steps as u64, self.device);

        let (mut all_losses, mut all_norms) = (Vec::new(), Vec::new());
        let normalised = count_normalised(&self.lanes) as i64;
        for step in 0..steps {
            let start = step * self.batch;
            let count = self.batch.min(rows - start);
            let batch = self.train.batch(&orders, start, count);
            let factors = masks.at(step, count);
            let pass = Pass::Train {
                dropout: factors.as_deref(),
            };
            // A leaf of its own each step, which shares its numbers with the lanes'.
            let leaf = self.numbers.parameters.detach().set_requires_grad(true);
            let lanes = Lanes {
                parameters: &leaf,
                running: &self.running,
                normalised,
            };
            let scores = self.network.scores(lanes, &batch.x, pass);
            let row_losses = self.criterion.losses(&scores, &batch.y);
            let row_losses = match &batch.weights {
                None => row_losses,
                Some(weights) => row_losses * weights,
            };
            all_losses.push(row_losses.detach());
            // The gradient of each lane's mean: lanes share nothing but the sum.
            let total = row_losses.sum(Kind::Float) / count as f64;
            let gradient = Tensor::run_backward(&[total], &[&leaf], false, false).remove(0);
            let norm = self.layout.norms(&gradient);
            let row = table.row(step as i64);
            self.constants.step(
                &mut self.numbers,
                &self.param_groups,
                &gradient,
                &norm,
                &row,
            );
            all_norms.push(norm);
        }
        Trained {
            losses: to_host(&Tensor::cat(&all_losses, 1)),
            norms: to_host(&Tensor::stack(&all_norms, 0)),
        }
    }

    /// The order of the training rows in the next epoch of each lane.
    fn draw_orders(&self, rows: usize) -> Vec<Vec<u32>> {
        let mut orders: Vec<Vec<u32>> = Vec::with_capacity(self.lanes.len());
        let mut drawn: Vec<(u64, u32)> = Vec::with_capacity(self.lanes.len());
        for active in &self.lanes {
            let key = (
                active.trial_state.job().spec.seed,
                active.trial_state.epoch() + 1,
            );
            let order = match drawn.iter().position(|other| *other == key) {
                Some(same) => orders[same].clone(),
                None => {
                    let mut order = vec![0; rows];
                    init_rng::batch_order(key.0, key.1, &mut order);
                    order
                }
            };
            drawn.push(key);
            orders.push(order);
        }
        orders
    }

    /// Mean loss and predictions of every lane on the validation rows.
    fn validate(&self) -> Vec<Validated> {
        let lanes = self.lanes.len();
        let average = self.numbers.average.as_ref();
        let of = Lanes {
            parameters: average.unwrap_or(&self.numbers.parameters),
            running: &self.running,
            normalised: count_normalised(&self.lanes) as i64,
        };
        let rows = self.valid.count();
        let widest = self.network.widths().into_iter().max();
        let at_once = match self.device.is_cuda() {
            false => EVALUATION_ROWS,
            true => {
                let of_all = lanes * widest.unwrap_or(1).max(self.outputs);
                (EVALUATION_NUMBERS / of_all).clamp(EVALUATION_ROWS, 32 * EVALUATION_ROWS)
            }
        };
        let mut evaluations: Vec<Evaluation> = self
            .lanes
            .iter()
            .map(|active| Evaluation::new(&active.trial_state.job()))
            .collect();
        let keeps_outputs = evaluations.iter().any(Evaluation::keeps_outputs);
        let (mut found, mut predicted) = (Vec::new(), Vec::new());
        for start in (0..rows).step_by(at_once) {
            let batch = self
                .valid
                .param_group(start, at_once.min(rows - start), lanes as i64);
            let scores = self.network.scores(of, &batch.x, Pass::Evaluate);
            found.push(self.criterion.plain_losses(&scores, &batch.y));
            // Where no more is wanted, the predicted class is all that leaves the device.
            predicted.push(match keeps_outputs {
                true => scores.transpose(1, 2),
                false => scores.argmax(1, true).transpose(1, 2).to_kind(Kind::Float),
            });
        }
        let found = to_host::<f32>(&Tensor::cat(&found, 1));
        let predicted = to_host::<f32>(&Tensor::cat(&predicted, 1).contiguous());
        let labels = self.lanes[0].trial_state.job().data.valid().y.classes();
        let of_lanes = found
            .chunks(rows)
            .zip(predicted.chunks(predicted.len() / lanes));
        let validated = of_lanes
            .zip(&mut evaluations)
            .map(|((losses, predicted), evaluation)| {
                let label = |row: usize| labels.map_or(0, |labels| labels[row]);
                match keeps_outputs {
                    true => {
                        let outputs = predicted.chunks_exact(self.outputs).enumerate();
                        outputs.for_each(|(row, outputs)| evaluation.add(label(row), outputs));
                    }
                    false => {
                        let classes = predicted.iter().enumerate();
                        classes.for_each(|(row, class)| {
                            evaluation
                                .confusion
                                .add(label(row) as usize, *class as usize);
                        });
                    }
                }
                losses.iter().map(|loss| f64::from(*loss)).sum::<f64>() / rows as f64
            });
        let losses: Vec<f64> = validated.collect();
        let validated = losses.into_iter().zip(evaluations);
        validated
            .map(|(loss, evaluation)| Validated { loss, evaluation })
            .collect()
    }

    /// Ends the lanes that `leaves` names, in order, and continues with the others.
    fn remove_finished(
        &mut self,
        mut leaves: impl FnMut(&TrialState<'a>) -> Option<Option<EarlyEnd>>,
        ended: Ended<'_>,
    ) {
        let leaving: Vec<Option<Option<EarlyEnd>>> = self
            .lanes
            .iter()
            .map(|active| leaves(&active.trial_state))
            .collect();
        if leaving.iter().all(Option::is_none) {
            return;
        }
        let normalised = count_normalised(&self.lanes) as i64;
        let stays = leaving.iter().enumerate();
        let stays: Vec<i64> = stays
            .filter(|(_, leaves)| leaves.is_none())
            .map(|(lane, _)| lane as i64)
            .collect();
        for (active, leaves) in std::mem::take(&mut self.lanes).into_iter().zip(leaving) {
            match leaves {
                None => self.lanes.push(active),
                Some(how) => active.end(how, ended),
            }
        }
        if stays.is_empty() {
            return;
        }
        let still_normalised = count_normalised(&self.lanes);
        let stays = Tensor::from_slice(&stays).to_device(self.device);
        let select = |tensor: &mut Tensor| *tensor = tensor.index_select(0, &stays);
        select(&mut self.numbers.parameters);
        let Numbers {
            first,
            second,
            average,
            ..
        } = &mut self.numbers;
        [first, second, average]
            .into_iter()
            .flatten()
            .for_each(select);
        match still_normalised {
            0 => self.running.clear(),
            // They come first among those that stay as well.
            still => {
                let stays = stays.narrow(0, 0, still as i64);
                for running in &mut self.running {
                    let lanes = running.view([normalised, -1]);
                    *running = lanes.index_select(0, &stays).reshape(-1);
                }
            }
        }
        self.constants = Constants::of(&specs(&self.lanes), self.device);
        self.criterion = self.criterion_of_lanes();
    }
}
