//! How many rows each class has.

use plotters::backend::DrawingBackend;
use plotters::style::Color;
use sweep_analysis::text;

use super::drawing::{BALANCE, Drawing, classes, largest};
use super::page::Head;
use crate::plot::canvas::{Canvas, Drawn, Plot, render};
use crate::plot::frame::{Frame, Scale};
use crate::plot::lettering::Type;
use crate::plot::style::{FAINT, INK, MARGIN, PALETTE, TICK, WIDTH};
use sweep_describe::Description;

/// Classes with a bar; the others share one.
const MAX: usize = 40;
const ROW: i32 = 52;
/// Width of the longest class name.
const NAMES: i32 = 420;
/// Space for the numbers beside the longest bar.
const NUMBERS: i32 = 260;

pub fn drawing<'a>(
    description: &'a Description,
    left_out: &mut Vec<String>,
) -> Option<Drawing<'a>> {
    let target = classes(description)?;
    let shown = largest(target, MAX);
    let mut bars: Vec<(String, usize)> = (shown.iter())
        .map(|class| &target.classes[*class])
        .map(|class| (class.name.clone(), class.rows))
        .collect();
    let all: usize = target.classes.iter().map(|class| class.rows).sum();
    let others = target.classes.len() - shown.len();
    if others > 0 {
        let rest = all - bars.iter().map(|(_, rows)| rows).sum::<usize>();
        bars.push((format!("{others} other classes"), rest));
        left_out.push(format!(
            "Class balance: the {MAX} largest of {} classes have a bar of their own; all are in \
             classes.csv.",
            target.classes.len()
        ));
    }
    let title = format!("Classes of {}", target.column);
    let caption = format!(
        "{}. Beside each bar: rows and share.",
        text::pluralize(all as u64, "row")
    );
    Some(Box::new(move || {
        let plot = Balance {
            head: Head::new(title.clone(), &caption, WIDTH),
            bars: bars.clone(),
            all,
        };
        render(BALANCE, title.clone(), caption.clone(), &plot)
    }))
}

struct Balance {
    head: Head,
    /// Name and rows.
    bars: Vec<(String, usize)>,
    all: usize,
}

impl Plot for Balance {
    fn size(&self) -> (i32, i32) {
        let bars = ROW * self.bars.len() as i32;
        (WIDTH, self.head.height() + bars + Frame::BELOW + MARGIN)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        self.head.draw(canvas)?;
        let kind = Type::new(TICK, INK);
        let names: Vec<String> = (self.bars.iter())
            .map(|(name, _)| kind.fit(name, NAMES))
            .collect();
        let widest = names.iter().map(|name| kind.width(name)).max().unwrap_or(0);
        let most = self.bars.iter().map(|(_, rows)| *rows).max().unwrap_or(1);
        let frame = Frame {
            left: MARGIN + widest + Frame::GAP,
            right: WIDTH - MARGIN - NUMBERS,
            top: self.head.height(),
            bottom: self.head.height() + ROW * self.bars.len() as i32,
            x: Scale::between(0.0, most as f64, 6),
            // Rows have fixed places; the frame only needs some scale there.
            y: Scale::between(0.0, 1.0, 1),
        };
        for (place, ((_, rows), name)) in self.bars.iter().zip(&names).enumerate() {
            let y = frame.top + ROW * place as i32 + ROW / 2;
            canvas.text(name, (frame.left - Frame::GAP, y), kind.right())?;
            let end = frame.across(*rows as f64).unwrap_or(frame.left);
            let (top, bottom) = (y - ROW / 3, y + ROW / 3);
            canvas.block((frame.left, top), (end, bottom), PALETTE[0].mix(1.0))?;
            let share = 100.0 * *rows as f64 / self.all.max(1) as f64;
            let number = format!("{}  {share:.1}%", text::with_thousands(*rows as u64));
            canvas.text(&number, (end + 14, y), Type::new(TICK, FAINT))?;
        }
        frame.draw_x_axis(canvas, "rows")
    }
}
