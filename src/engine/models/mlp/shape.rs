//! Where each tensor of a network lies in the flat lists of lines, and what it is called outside.
//!
//! Invariant: outside, tensors have PyTorch's names, shapes and row-major order; inside, they lie in
//! panels (see `matrix`), with zeros in the places beyond their width.

use std::ops::Range;

use super::category::{Categories, EmbeddedColumn};
use super::periodic::Periodic;
use super::piecewise::Piecewise;
use super::simd::{F32x16, LANES, vectors};
use sweep_core::trial::models::{Embedding, MlpSpec};
use sweep_data::Rows;

/// The layers of a network, the last one the output.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    pub classes: usize,
    /// Which features are columns of categories with vectors.
    pub categories: Categories,
    /// Lines of the parameters: the table of each of these columns.
    pub tables: Vec<Range<usize>>,
    /// How the other features become the first inputs of the first layer.
    pub entry: InputLayer,
    pub layers: Vec<Layer>,
    /// Lines of all parameters.
    pub parameters: usize,
    /// Lines of all running statistics.
    pub running: usize,
}

/// How features become inputs.
#[derive(Debug, Clone, PartialEq)]
pub enum InputLayer {
    Plain,
    Piecewise(Piecewise),
    Periodic(Periodic),
}

/// A linear layer with what belongs to it. Ranges are lines of the parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub inputs: usize,
    pub outputs: usize,
    /// [inputs, outputs] in panels.
    pub weight: Range<usize>,
    pub bias: Range<usize>,
    pub norm: Option<Norm>,
}

/// Batch normalisation of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Norm {
    /// Lines of the parameters.
    pub gamma: Range<usize>,
    pub beta: Range<usize>,
    /// Lines of the running statistics.
    pub mean: Range<usize>,
    pub var: Range<usize>,
}

/// A tensor as it is known outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub name: String,
    pub shape: Vec<usize>,
    /// Among the running statistics rather than the parameters.
    pub running: bool,
    lines: Range<usize>,
    order: Order,
}

/// How a tensor's numbers lie in its lines.
#[derive(Debug, Clone, PartialEq)]
enum Order {
    /// A matrix in panels, its rows along the lines' places; a vector is a matrix of one column.
    Panels,
    /// Row-major, one after the other.
    Flat,
    /// The weights of a periodic embedding.
    Blocks(Periodic),
}

impl Shape {
    /// The shape of the network that `spec` describes for the training rows `data`, whose features at `texts` are from
    /// text.
    pub fn fitted(
        spec: &MlpSpec,
        data: Rows<'_>,
        (categories, texts): (Categories, &[Range<usize>]),
        classes: usize,
    ) -> Shape {
        let pieces = match spec.embedding {
            Embedding::Ple { bins, text } => {
                let entries = categories.entries_of(data.x);
                let others = categories.others().iter();
                let is_spread =
                    |place: &usize| text || !texts.iter().any(|own| own.contains(place));
                let bins = others.map(|place| if is_spread(place) { bins as usize } else { 1 });
                let bins: Vec<usize> = bins.collect();
                Some(Piecewise::fit(&entries, categories.entries(), &bins))
            }
            Embedding::None | Embedding::Periodic { .. } => None,
        };
        Shape::new(spec, pieces, categories, classes)
    }

    /// The same with `pieces` known, which there are for piecewise-linear encoding alone.
    pub fn new(
        spec: &MlpSpec,
        pieces: Option<Piecewise>,
        categories: Categories,
        classes: usize,
    ) -> Shape {
        let features = categories.others().len();
        let (mut parameters, mut running) = (0, 0);
        let take = |total: &mut usize, count: usize| {
            *total += count;
            *total - count..*total
        };
        let entry = match (pieces, spec.embedding) {
            (Some(pieces), _) => InputLayer::Piecewise(pieces),
            (
                None,
                Embedding::Periodic {
                    frequencies, width, ..
                },
            ) if features > 0 => {
                let (frequencies, width) = (frequencies as usize, width as usize);
                let weights = Periodic::weight_lines(features, frequencies, width);
                InputLayer::Periodic(Periodic {
                    features,
                    frequencies,
                    width,
                    frequency: take(&mut parameters, vectors(features) * frequencies),
                    weight: take(&mut parameters, weights),
                    bias: take(&mut parameters, vectors(features * width)),
                })
            }
            (None, _) => InputLayer::Plain,
        };
        let table = |column: &EmbeddedColumn| {
            take(
                &mut parameters,
                vectors(column.block.features * column.width),
            )
        };
        let tables = categories.columns().iter().map(table).collect();
        let mut layers = Vec::new();
        let mut inputs = entry.inputs(features) + categories.inputs();
        for place in 0..=spec.layers.len() {
            let hidden = spec.layers.get(place).copied();
            let outputs = hidden.unwrap_or(classes);
            let wide = vectors(outputs);
            let weight = take(&mut parameters, wide * inputs);
            let bias = take(&mut parameters, wide);
            let norm = (hidden.is_some() && spec.batch_norm).then(|| Norm {
                gamma: take(&mut parameters, wide),
                beta: take(&mut parameters, wide),
                mean: take(&mut running, wide),
                var: take(&mut running, wide),
            });
            layers.push(Layer {
                inputs,
                outputs,
                weight,
                bias,
                norm,
            });
            inputs = outputs;
        }
        Shape {
            classes,
            categories,
            tables,
            entry,
            layers,
            parameters,
            running,
        }
    }

    /// Every tensor, from the input on, in the order of PyTorch's `state_dict`.
    pub fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = self.entry_tensors();
        let hidden = self.layers.len() - 1;
        for (place, layer) in self.layers.iter().enumerate() {
            let linear = match place < hidden {
                true => format!("layers.{place}.linear"),
                false => "output".to_owned(),
            };
            let mut add = |name: String, shape: Vec<usize>, running: bool, lines: &Range<usize>| {
                tensors.push(Tensor {
                    name,
                    shape,
                    running,
                    lines: lines.clone(),
                    order: Order::Panels,
                });
            };
            let (inputs, outputs) = (layer.inputs, layer.outputs);
            add(
                format!("{linear}.weight"),
                vec![outputs, inputs],
                false,
                &layer.weight,
            );
            add(format!("{linear}.bias"), vec![outputs], false, &layer.bias);
            if let Some(norm) = &layer.norm {
                let mut add = |name: &str, running: bool, lines: &Range<usize>| {
                    add(
                        format!("layers.{place}.norm.{name}"),
                        vec![outputs],
                        running,
                        lines,
                    );
                };
                add("weight", false, &norm.gamma);
                add("bias", false, &norm.beta);
                add("running_mean", true, &norm.mean);
                add("running_var", true, &norm.var);
            }
        }
        tensors
    }

    /// The tensors that stand before the layers.
    fn entry_tensors(&self) -> Vec<Tensor> {
        let InputLayer::Periodic(periodic) = &self.entry else {
            return self.category_tables();
        };
        let (features, width) = (periodic.features, periodic.width);
        let tensor = |name: &str, shape: Vec<usize>, lines: &Range<usize>, order: Order| Tensor {
            name: format!("embedding.{name}"),
            shape,
            running: false,
            lines: lines.clone(),
            order,
        };
        let mut tensors = vec![
            tensor(
                "frequency",
                vec![features, periodic.frequencies],
                &periodic.frequency,
                Order::Panels,
            ),
            tensor(
                "weight",
                vec![features, periodic.waves(), width],
                &periodic.weight,
                Order::Blocks(periodic.clone()),
            ),
            tensor("bias", vec![features, width], &periodic.bias, Order::Flat),
        ];
        tensors.extend(self.category_tables());
        tensors
    }

    fn category_tables(&self) -> Vec<Tensor> {
        let tables = self.categories.columns().iter().zip(&self.tables);
        let tensor = |(place, (column, lines)): (usize, (&EmbeddedColumn, &Range<usize>))| Tensor {
            name: format!("category.{place}.weight"),
            shape: vec![column.block.features, column.width],
            running: false,
            lines: lines.clone(),
            order: Order::Flat,
        };
        tables.enumerate().map(tensor).collect()
    }

    /// Inputs of the first layer that stand before those of categories.
    pub fn first_inputs(&self) -> usize {
        self.entry.inputs(self.categories.others().len())
    }

    /// Whether something before the first layer is learned.
    pub fn entry_learns(&self) -> bool {
        matches!(self.entry, InputLayer::Periodic(_)) || !self.tables.is_empty()
    }

    /// Panels of inputs of the first layer, from the first on, that nothing before them is learned of.
    pub fn given_panels(&self) -> usize {
        match self.entry {
            InputLayer::Plain | InputLayer::Piecewise(_) => self.first_inputs() / LANES,
            InputLayer::Periodic(_) => 0,
        }
    }

    /// Trainable numbers.
    pub fn count(&self) -> u64 {
        let trainable = self.tensors().into_iter().filter(|tensor| !tensor.running);
        trainable.map(|tensor| tensor.len() as u64).sum()
    }

    /// Lines of the widest hidden layer.
    pub fn widest(&self) -> usize {
        let hidden = &self.layers[..self.layers.len() - 1];
        hidden
            .iter()
            .map(|layer| vectors(layer.outputs))
            .max()
            .unwrap_or(0)
    }
}

impl InputLayer {
    /// Inputs that `features` features become.
    fn inputs(&self, features: usize) -> usize {
        match self {
            InputLayer::Plain => features,
            InputLayer::Piecewise(pieces) => pieces.inputs,
            InputLayer::Periodic(periodic) => periodic.inputs(),
        }
    }
}

impl Tensor {
    /// Numbers in it.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it lies before `line` of its list.
    pub fn starts_before(&self, line: usize) -> bool {
        self.lines.start < line
    }

    /// Its numbers in row-major order, out of the list in which it lies.
    pub fn read(&self, list: &[F32x16]) -> Vec<f32> {
        let inside = &list[self.lines.clone()];
        (0..self.len())
            .map(|index| {
                let (line, place) = self.place(index);
                inside[line].0[place]
            })
            .collect()
    }

    /// Puts `numbers`, in row-major order, into the list in which it lies.
    ///
    /// # Panics
    /// When their number is not that of the tensor.
    pub fn write(&self, list: &mut [F32x16], numbers: impl ExactSizeIterator<Item = f32>) {
        assert_eq!(numbers.len(), self.len());
        let inside = &mut list[self.lines.clone()];
        for (index, number) in numbers.enumerate() {
            let (line, place) = self.place(index);
            inside[line].0[place] = number;
        }
    }

    /// Vector and place of the number at `index` in row-major order.
    fn place(&self, index: usize) -> (usize, usize) {
        match &self.order {
            Order::Panels => {}
            Order::Flat => return (index / LANES, index % LANES),
            Order::Blocks(periodic) => {
                let (wave, input) = (index / periodic.width, index % periodic.width);
                let waves = periodic.waves();
                return periodic.weight_place(wave / waves, wave % waves, input);
            }
        }
        let columns = self.shape.get(1).copied().unwrap_or(1);
        let (row, column) = (index / columns, index % columns);
        (row / LANES * columns + column, row % LANES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_fill_the_lists_without_overlap_and_read_back() {
        let spec = MlpSpec {
            layers: vec![17, 3],
            batch_norm: true,
            ..MlpSpec::default()
        };
        let shape = Shape::new(&spec, None, Categories::none(5), 4);
        let mut lists = [
            vec![F32x16::ZERO; shape.parameters],
            vec![F32x16::ZERO; shape.running],
        ];
        let mut next = 1.0f32;
        let tensors = shape.tensors();
        for tensor in &tensors {
            let numbers: Vec<f32> = (0..tensor.len()).map(|i| next + i as f32).collect();
            next += tensor.len() as f32;
            tensor.write(&mut lists[usize::from(tensor.running)], numbers.into_iter());
        }
        let mut expected = 1.0f32;
        for tensor in &tensors {
            for number in tensor.read(&lists[usize::from(tensor.running)]) {
                assert_eq!(number, expected, "{}", tensor.name);
                expected += 1.0;
            }
        }
        assert_eq!(
            shape.count(),
            (5 * 17 + 3 * 17) + (17 * 3 + 3 * 3) + (3 * 4 + 4)
        );
        let filled = lists
            .iter()
            .flatten()
            .flat_map(|line| line.0)
            .filter(|x| *x != 0.0);
        assert_eq!(filled.count() as f32, expected - 1.0);
    }
}
