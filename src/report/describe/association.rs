//! Association of each column with the target.

use plotters::backend::DrawingBackend;
use plotters::style::{Color, RGBColor};

use super::drawing::{ASSOCIATION, Drawing};
use super::page::Head;
use super::relations::Ranking;
use crate::plot::canvas::{Canvas, Drawn, Plot, render};
use crate::plot::frame::{Frame, Scale};
use crate::plot::legend::{Legend, Sign};
use crate::plot::lettering::Type;
use crate::plot::style::{FAINT, GRID, INK, MARGIN, Mark, PALETTE, TICK, WIDTH};
use sweep_describe::{Association, BINS, Description, TARGET_BINS};

/// Columns with a bar.
const MAX: usize = 40;
const ROW: i32 = 52;
/// Width of the longest column name.
const NAMES: i32 = 440;
/// Space for eta squared or Cramér's V at the right.
const NUMBERS: i32 = 300;
/// What chance would give.
const CHANCE: RGBColor = RGBColor(190, 190, 190);

pub fn drawing<'a>(
    description: &'a Description,
    left_out: &mut Vec<String>,
) -> Option<Drawing<'a>> {
    let target = description.target.as_ref()?;
    let mut columns = Ranking::of(description).columns;
    if columns.is_empty() {
        return None;
    }
    let title = format!("Association of each column with {}", target.column);
    let (quantiles, right) = match target.numbers {
        Some(_) => (
            format!("Numbers are binned into {BINS} quantiles, the target into {TARGET_BINS}."),
            "Right: Spearman's correlation.",
        ),
        None => (
            format!("Numbers are binned into {BINS} quantiles."),
            "Right: eta² for numbers, bias-corrected Cramér's V for text.",
        ),
    };
    let mut caption = format!(
        "Mutual information in nats; the entropy of the target is {:.2}. {quantiles} Missing cells \
         are a value of their own. Grey: mean with a shuffled target. {right}",
        target.entropy
    );
    if columns.len() > MAX {
        let said = format!("the first {MAX} of {} columns are drawn", columns.len());
        caption.push_str(&format!(" Ranked by explained share; {said}."));
        left_out.push(format!("Association: {said}; all are in association.csv."));
    }
    columns.truncate(MAX);
    Some(Box::new(move || {
        let plot = Bars::new(&title, &caption, &columns);
        render(ASSOCIATION, title.clone(), caption.clone(), &plot)
    }))
}

struct Bars<'a> {
    head: Head,
    legend: Legend,
    columns: &'a [&'a Association],
}

impl Bars<'_> {
    fn new<'a>(title: &str, caption: &str, columns: &'a [&'a Association]) -> Bars<'a> {
        let kinds = ["number", "date", "text"].into_iter();
        let present = kinds.filter(|kind| columns.iter().any(|column| column.kind == *kind));
        let mut entries: Vec<(Sign, String)> = present
            .map(|kind| {
                let sign = Sign::Mark(Mark::Square, 14, color(kind).mix(1.0));
                (sign, format!("{kind}, above chance"))
            })
            .collect();
        let sign = Sign::Mark(Mark::Square, 14, CHANCE.mix(1.0));
        entries.push((sign, "chance".to_owned()));
        Bars {
            head: Head::new(title.to_owned(), caption, WIDTH),
            legend: Legend::new(entries, WIDTH - 2 * MARGIN),
            columns,
        }
    }

    fn top(&self) -> i32 {
        self.head.height() + self.legend.height() + 24
    }
}

impl Plot for Bars<'_> {
    fn size(&self) -> (i32, i32) {
        let bars = ROW * self.columns.len() as i32;
        (WIDTH, self.top() + bars + Frame::BELOW + MARGIN)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        self.head.draw(canvas)?;
        self.legend.draw(canvas, MARGIN, self.head.height())?;
        let kind = Type::new(TICK, INK);
        let names: Vec<String> = (self.columns.iter())
            .map(|column| kind.fit(&column.column, NAMES))
            .collect();
        let widest = names.iter().map(|name| kind.width(name)).max().unwrap_or(0);
        let columns = self.columns.iter();
        let most = columns.map(|column| column.with_missing.mutual_information);
        let frame = Frame {
            left: MARGIN + widest + Frame::GAP,
            right: WIDTH - MARGIN - NUMBERS,
            top: self.top(),
            bottom: self.top() + ROW * self.columns.len() as i32,
            x: Scale::between(0.0, most.fold(1e-3, f64::max), 6),
            // Rows have fixed places; the frame only needs some scale there.
            y: Scale::between(0.0, 1.0, 1),
        };
        for (place, (column, name)) in self.columns.iter().zip(&names).enumerate() {
            let y = frame.top + ROW * place as i32 + ROW / 2;
            canvas.text(name, (frame.left - Frame::GAP, y), kind.right())?;
            draw_bar(canvas, &frame, column, y)?;
            let right = Type::new(TICK, FAINT).right();
            canvas.text(&beside(column), (WIDTH - MARGIN, y), right)?;
        }
        frame.draw_x_axis(canvas, "mutual information, nats")
    }
}

/// What is beyond chance in the colour of the kind, then chance in grey.
fn draw_bar<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    frame: &Frame,
    column: &Association,
    y: i32,
) -> Drawn<B> {
    let of = &column.with_missing;
    let beyond = (of.mutual_information - of.chance).max(0.0);
    let ends = (frame.across(beyond), frame.across(of.mutual_information));
    let (Some(middle), Some(end)) = ends else {
        return Ok(());
    };
    let (top, bottom) = (y - ROW / 3, y + ROW / 3);
    canvas.block((frame.left, top), (frame.right, bottom), GRID.mix(0.35))?;
    if end > middle {
        canvas.block((middle, top), (end, bottom), CHANCE.mix(1.0))?;
    }
    if middle > frame.left {
        let filled = color(column.kind).mix(1.0);
        canvas.block((frame.left, top), (middle, bottom), filled)?;
    }
    Ok(())
}

/// Eta squared, Cramér's V or Spearman's correlation, whichever the column has and is defined.
fn beside(column: &Association) -> String {
    let shown = |name: &str, value: f64| match value.is_nan() {
        true => format!("{name} –"),
        false => format!("{name} {value:.3}"),
    };
    let numbers = [
        ("eta²", column.eta_squared),
        ("V", column.cramers_v_corrected),
        ("ρ", column.spearman),
    ];
    let mut numbers = numbers.into_iter();
    let found = numbers.find_map(|(name, value)| Some((name, value?)));
    found.map_or(String::new(), |(name, value)| shown(name, value))
}

fn color(kind: &str) -> RGBColor {
    match kind {
        "number" => PALETTE[0],
        "date" => PALETTE[2],
        _ => PALETTE[1],
    }
}
