//! Training and validation rows where they are trained on: copied to the device once, not batch by batch.
//!
//! Invariant: a batch is made of rows by index alone, on the device.

use sweep_data::Dataset;
use sweep_data::Rows as HostRows;
use tch::{Device, Kind, Tensor};

/// One side of a data set: `x` [rows, inputs], `y` [rows].
pub struct Rows {
    pub x: Tensor,
    pub y: Tensor,
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
            let labels: Vec<i64> = rows.y.iter().map(|label| i64::from(*label)).collect();
            Rows {
                x: Tensor::from_slice(rows.x)
                    .view([-1, features])
                    .to_device(device),
                y: Tensor::from_slice(&labels).to_device(device),
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
            y: self.y.shallow_clone(),
        }
    }

    pub fn count(&self) -> usize {
        self.y.size()[0] as usize
    }

    /// Rows `start..start + rows` for each of `lanes`: `x` [K, inputs, rows], `y` [K, rows].
    pub fn param_group(&self, start: usize, rows: usize, lanes: i64) -> (Tensor, Tensor) {
        let cut = |tensor: &Tensor| tensor.narrow(0, start as i64, rows as i64);
        spread(&cut(&self.x), &cut(&self.y), lanes)
    }

    /// The batch of `rows` rows that begins at `start` of each lane's order: `x` [K, inputs, rows], `y`
    /// [K, rows].
    pub fn batch(&self, orders: &Orders, start: usize, rows: usize) -> (Tensor, Tensor) {
        let chosen = orders
            .order
            .narrow(1, start as i64, rows as i64)
            .reshape(-1);
        let (x, y) = (
            self.x.index_select(0, &chosen),
            self.y.index_select(0, &chosen),
        );
        match orders.order.size()[0] {
            1 => spread(&x, &y, orders.lanes),
            lanes => {
                let rows = rows as i64;
                let x = x.view([lanes, rows, -1]).transpose(1, 2);
                (x, y.view([lanes, rows]))
            }
        }
    }
}

/// The same rows for every lane.
fn spread(x: &Tensor, y: &Tensor, lanes: i64) -> (Tensor, Tensor) {
    let size = x.size();
    let x = x.transpose(0, 1).unsqueeze(0);
    let y = y.unsqueeze(0);
    (
        x.expand([lanes, size[1], size[0]], false),
        y.expand([lanes, size[0]], false),
    )
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
