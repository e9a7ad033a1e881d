//! Training and validation rows where they are trained on: copied to the device once, not batch by batch.
//!
//! Invariant: a batch is made of rows by index alone, on the device.

use sweep_data::Rows as HostRows;
use sweep_data::{Dataset, Targets};
use sweep_engine::models::mlp::EmbeddedColumn;
use tch::{Device, Kind, Tensor};

/// One side of a data set: `x` [rows, inputs], `y` [rows], labels or numbers as networks learn them.
pub struct Rows {
    pub x: Tensor,
    pub y: Tensor,
    /// Weights of rows [rows], if they have any.
    pub weights: Option<Tensor>,
}

/// Rows of a batch for each of K lanes.
pub struct Batch {
    /// [K, inputs, rows]
    pub x: Tensor,
    /// [K, rows]
    pub y: Tensor,
    /// [K, rows]
    pub weights: Option<Tensor>,
}

/// A data set on a device.
pub struct DeviceDataset {
    pub train: Rows,
    pub valid: Rows,
    origin: Origin,
}

/// What tells one data set from another.
#[derive(PartialEq)]
struct Origin {
    digest: String,
    /// Where its training rows lie: shares of one data set have its digest.
    place: (usize, usize),
}

/// The rows that each lane is trained on at each step of an epoch.
pub struct Orders {
    /// [K, rows], or [1, rows] where all lanes have the same order.
    order: Tensor,
    lanes: i64,
}

impl DeviceDataset {
    pub fn new(data: &Dataset, device: Device) -> DeviceDataset {
        let features = data.meta().features.len() as i64;
        let side = |rows: HostRows<'_>| {
            let y = match (rows.y, data.meta().number) {
                (Targets::Numbers(numbers), Some(number)) => {
                    let learned = numbers
                        .iter()
                        .map(|value| number.learned(f64::from(*value)) as f32);
                    Tensor::from_slice(&learned.collect::<Vec<f32>>())
                }
                (targets, _) => {
                    let labels = targets.classes().unwrap_or_default().iter();
                    Tensor::from_slice(&labels.map(|label| i64::from(*label)).collect::<Vec<i64>>())
                }
            };
            Rows {
                x: Tensor::from_slice(rows.x)
                    .view([-1, features])
                    .to_device(device),
                y: y.to_device(device),
                weights: None,
            }
        };
        DeviceDataset {
            train: side(data.train()),
            valid: side(data.valid()),
            origin: Origin::of(data),
        }
    }

    pub fn is_of(&self, data: &Dataset) -> bool {
        self.origin == Origin::of(data)
    }
}

impl Origin {
    fn of(data: &Dataset) -> Origin {
        let x = data.train().x;
        Origin {
            digest: data.meta().digest.as_str().to_owned(),
            place: (x.as_ptr() as usize, x.len()),
        }
    }
}

impl Rows {
    /// The same rows with features spread over the bins between `edges`, as native's `piecewise` does.
    pub fn in_bins(&self, edges: &[Vec<f32>]) -> Rows {
        let (mut sources, mut low, mut factor) = (Vec::new(), Vec::new(), Vec::new());
        for (feature, edges) in edges.iter().enumerate() {
            // A constant feature has one edge and one input, which is always 0.
            for bin in 0..(edges.len() - 1).max(1) {
                sources.push(feature as i64);
                low.push(edges[bin]);
                let width = edges.get(bin + 1).map(|high| 1.0 / (high - edges[bin]));
                factor.push(width.unwrap_or(0.0));
            }
        }
        let device = self.x.device();
        let row = |numbers: &[f32]| Tensor::from_slice(numbers).to_device(device);
        let sources = Tensor::from_slice(&sources).to_device(device);
        let x = (self.x.index_select(1, &sources) - row(&low)) * row(&factor);
        Rows {
            x: x.clamp(0.0, 1.0),
            ..self.alike()
        }
    }

    /// The same rows again, of which nothing is copied.
    pub fn alike(&self) -> Rows {
        Rows {
            x: self.x.shallow_clone(),
            y: self.y.shallow_clone(),
            weights: self.weights.as_ref().map(Tensor::shallow_clone),
        }
    }

    /// The same rows with `weights`.
    pub fn weighted(self, weights: Option<&[f32]>) -> Rows {
        let device = self.x.device();
        Rows {
            weights: weights.map(|weights| Tensor::from_slice(weights).to_device(device)),
            ..self
        }
    }

    /// The same rows with the features at `others` alone, which are not of `columns`.
    pub fn without(&self, columns: &[EmbeddedColumn], others: &[usize]) -> Rows {
        let x = match columns.is_empty() {
            true => self.x.shallow_clone(),
            false => {
                let others: Vec<i64> = others.iter().map(|place| *place as i64).collect();
                let others = Tensor::from_slice(&others).to_device(self.x.device());
                self.x.index_select(1, &others)
            }
        };
        Rows { x, ..self.alike() }
    }

    /// These rows with the numbers of the categories that the features of `whole` have in `columns`
    /// behind their own, as native's `category` has them.
    pub fn with_numbers(self, whole: &Rows, columns: &[EmbeddedColumn]) -> Rows {
        if columns.is_empty() {
            return self;
        }
        let numbers = columns.iter().map(|EmbeddedColumn { block, .. }| {
            let (first, features) = (block.first as i64, block.features as i64);
            let own = whole.x.narrow(1, first, features).not_equal(0.0);
            // A last place that is 1 where no other is.
            let none = own.any_dim(1, true).logical_not();
            let places = Tensor::cat(&[own, none], 1).to_kind(Kind::Uint8);
            places.argmax(1, true).to_kind(Kind::Float)
        });
        let mut parts = vec![self.x.shallow_clone()];
        parts.extend(numbers);
        Rows {
            x: Tensor::cat(&parts, 1),
            ..self
        }
    }

    pub fn count(&self) -> usize {
        self.y.size()[0] as usize
    }

    /// Rows `start..start + rows` for each of `lanes`.
    pub fn param_group(&self, start: usize, rows: usize, lanes: i64) -> Batch {
        let cut = |tensor: &Tensor| tensor.narrow(0, start as i64, rows as i64);
        Batch {
            x: spread_inputs(&cut(&self.x), lanes),
            y: spread(&cut(&self.y), lanes),
            weights: self
                .weights
                .as_ref()
                .map(|weights| spread(&cut(weights), lanes)),
        }
    }

    /// The batch of `rows` rows that begins at `start` of each lane's order.
    pub fn batch(&self, orders: &Orders, start: usize, rows: usize) -> Batch {
        let chosen = orders
            .order
            .narrow(1, start as i64, rows as i64)
            .reshape(-1);
        let choose = |tensor: &Tensor| tensor.index_select(0, &chosen);
        let (x, y) = (choose(&self.x), choose(&self.y));
        let weights = self.weights.as_ref().map(choose);
        match orders.order.size()[0] {
            1 => Batch {
                x: spread_inputs(&x, orders.lanes),
                y: spread(&y, orders.lanes),
                weights: weights.map(|weights| spread(&weights, orders.lanes)),
            },
            lanes => {
                let rows = rows as i64;
                Batch {
                    x: x.view([lanes, rows, -1]).transpose(1, 2),
                    y: y.view([lanes, rows]),
                    weights: weights.map(|weights| weights.view([lanes, rows])),
                }
            }
        }
    }
}

/// The same rows [rows, inputs] for every lane: [K, inputs, rows].
fn spread_inputs(x: &Tensor, lanes: i64) -> Tensor {
    let size = x.size();
    x.transpose(0, 1)
        .unsqueeze(0)
        .expand([lanes, size[1], size[0]], false)
}

/// The same [rows] for every lane: [K, rows].
fn spread(of_rows: &Tensor, lanes: i64) -> Tensor {
    let rows = of_rows.size()[0];
    of_rows.unsqueeze(0).expand([lanes, rows], false)
}

impl Orders {
    /// From the order of every lane, [K][rows].
    pub fn new(orders: &[Vec<u32>], device: Device) -> Orders {
        let all_alike = orders.windows(2).all(|pair| pair[0] == pair[1]);
        let kept = if all_alike { &orders[..1] } else { orders };
        let numbers: Vec<i64> = kept.iter().flatten().map(|row| i64::from(*row)).collect();
        Orders {
            order: Tensor::from_slice(&numbers)
                .view([kept.len() as i64, -1])
                .to_kind(Kind::Int64)
                .to_device(device),
            lanes: orders.len() as i64,
        }
    }
}
