//! Text in plots: the built-in font, its styles, measuring and fitting.

use std::sync::Once;
use sweep_analysis::text;

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontStyle, FontTransform, IntoFont, RGBColor, TextStyle, register_font,
};

/// Under this name the font is registered for PNG; an SVG viewer takes the first family it has, all
/// of which are as wide.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let faces = [
            (FontStyle::Normal, dejavu::sans::regular()),
            (FontStyle::Bold, dejavu::sans::bold()),
        ];
        for (style, bytes) in faces {
            let registered = register_font(FONT, style, bytes);
            assert!(registered.is_ok(), "the font that is built in can be read");
        }
    });
}

/// How a text stands to its point.
#[derive(Clone, Copy)]
pub struct Type {
    pub size: i32,
    pub color: RGBColor,
    pub is_bold: bool,
    pub across: HPos,
    pub is_upright: bool,
}

impl Type {
    pub const fn new(size: i32, color: RGBColor) -> Type {
        Type {
            size,
            color,
            is_bold: false,
            across: HPos::Left,
            is_upright: false,
        }
    }

    pub const fn bold(self) -> Type {
        Type {
            is_bold: true,
            ..self
        }
    }

    pub const fn centered(self) -> Type {
        Type {
            across: HPos::Center,
            ..self
        }
    }

    pub const fn right(self) -> Type {
        Type {
            across: HPos::Right,
            ..self
        }
    }

    /// Read from below; the point is the end of the text, on its middle line.
    pub const fn upright(self) -> Type {
        Type {
            is_upright: true,
            across: HPos::Right,
            ..self
        }
    }

    pub(super) fn style(self) -> TextStyle<'static> {
        let face = if self.is_bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let mut font = (FONT, f64::from(self.size), face).into_font();
        if self.is_upright {
            font = font.transform(FontTransform::Rotate270);
        }
        TextStyle {
            font,
            color: self.color.to_backend_color(),
            pos: Pos::new(self.across, VPos::Center),
        }
    }

    /// Width of `text`, in half pixels.
    pub fn width(self, text: &str) -> i32 {
        register();
        let face = if self.is_bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let font = (FONT, f64::from(self.size), face).into_font();
        let ((left, _), (right, _)) = font.layout_box(text).expect("the font is registered");
        right - left
    }

    /// `text` made printable and, if it is wider than `width`, cut with an ellipsis.
    pub fn fit(self, text: &str, width: i32) -> String {
        let text = text::sanitize(text);
        let length = text.chars().count();
        // No character is narrower than a tenth of its size: a quick bound on very long names.
        let most = (10 * width / self.size).max(1) as usize;
        (1..=length.min(most))
            .rev()
            .map(|kept| text::cut(&text, kept))
            .find(|shown| self.width(shown) <= width)
            .unwrap_or_default()
    }

    /// As [`Type::fit`], with the ellipsis in the middle: names made of parts differ at their ends.
    pub fn fit_ends(self, text: &str, width: i32) -> String {
        let chars: Vec<char> = text::sanitize(text).chars().collect();
        let whole: String = chars.iter().collect();
        if self.width(&whole) <= width {
            return whole;
        }
        let most = (10 * width / self.size).max(1) as usize;
        (1..chars.len().min(most))
            .rev()
            .map(|kept| {
                let tail = kept / 2;
                let head: String = chars[..kept - tail].iter().collect();
                let end: String = chars[chars.len() - tail..].iter().collect();
                format!("{head}…{end}")
            })
            .find(|shown| self.width(shown) <= width)
            .unwrap_or_default()
    }

    /// `text` in at most `lines` lines no wider than `width`, broken at spaces, the last one cut.
    pub fn wrap(self, text: &str, width: i32, lines: usize) -> Vec<String> {
        let text = text::sanitize(text);
        let mut wrapped: Vec<String> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            match wrapped.last_mut() {
                Some(line) if self.width(&format!("{line} {word}")) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => wrapped.push(word.to_owned()),
            }
        }
        if wrapped.len() > lines {
            let rest = wrapped.split_off(lines.saturating_sub(1)).join(" ");
            wrapped.push(rest);
        }
        wrapped.iter().map(|line| self.fit(line, width)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::PALETTE;
    use super::*;

    #[test]
    fn a_long_name_keeps_both_its_ends() {
        let kind = Type::new(22, PALETTE[0]);
        let name = "a_column_with_a_long_name.year";
        let shown = kind.fit_ends(name, kind.width(name) / 2);
        assert!(
            shown.starts_with("a_col") && shown.contains('…') && shown.ends_with("year"),
            "{shown}"
        );
        assert!(kind.width(&shown) <= kind.width(name) / 2);
        assert_eq!(kind.fit_ends(name, kind.width(name)), name);
    }
}
