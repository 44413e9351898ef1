//! A picture that stands alone, in a mail or a chat: with a background, a heading and a legend, which take as many lines as a
//! narrow picture needs.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::marks::{Mark, Picture, Words};
use super::place::text_width;
use super::table::without;
use super::theme::{FONT_PX, Palette};
use super::{Chart, ChartTheme, Unit};

/// Space around it, and between two names of the legend.
const MARGIN: i32 = 16;
const TITLE_PX: f64 = 16.0;
/// How much wider than in the ordinary size the letters of a title are, in percent.
const TITLE_PERCENT: i32 = 145;
/// From one line of the title, the detail or the legend to the next.
const TITLE_LINE: i32 = 21;
const LINE: i32 = 16;
const TOP: i32 = 12;
const ABOVE_LEGEND: i32 = 3;
const SWATCH: i32 = 9;

/// What stands above a picture that is shown alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// What it is: "Spend by day".
    pub title: String,
    /// When and of what: "24 Oct to 22 Nov, New York time. App is not playground."
    pub detail: String,
}

impl Picture {
    /// The same with a background, a heading and a legend.
    pub(super) fn alone(&self, heading: &Heading, chart: &Chart, theme: ChartTheme) -> Self {
        let palette = Palette::of(theme);
        let room = self.size.0.cast_signed();
        let title = lines(&heading.title, room * 100 / TITLE_PERCENT);
        let detail = lines(&detail(heading, chart), room);
        let legend = legend(chart, palette, room);
        let below_title = TOP + TITLE_LINE * count(&title);
        let above_legend = below_title + LINE * count(&detail) + ABOVE_LEGEND;
        let head = above_legend + LINE * legend.iter().map(|key| key.line + 1).max().unwrap_or(0);

        let margin = MARGIN.unsigned_abs();
        let (width, height) = (self.size.0 + 2 * margin, self.size.1 + head.unsigned_abs() + margin);
        let mut picture = Self::new((width, height));
        picture.block((0, 0), (width.cast_signed(), height.cast_signed()), palette.panel);
        picture.write(&title, (TOP, TITLE_LINE), (palette.text, TITLE_PX));
        picture.write(&detail, (below_title, LINE), (palette.label, FONT_PX));
        for key in &legend {
            let y = above_legend + LINE * key.line;
            picture.block((MARGIN + key.x, y), (SWATCH, SWATCH), key.color);
            let after = (MARGIN + key.x + SWATCH + 5, y + 4);
            picture.text(&key.name, after, (HPos::Left, VPos::Center), palette.label);
        }
        picture.marks.extend(self.marks.iter().map(|mark| mark.moved(MARGIN, head)));
        picture
    }

    fn write(&mut self, lines: &[String], (top, step): (i32, i32), (color, px): (RGBColor, f64)) {
        for (line, y) in lines.iter().zip((0..).map(|line| top + step * line)) {
            let (side, level) = (HPos::Left, VPos::Top);
            self.mark(Mark::Text(Words { text: line.clone(), at: (MARGIN, y), side, level, color, px }));
        }
    }
}

/// Says what is hidden, too: nobody who looks at the picture alone could know.
fn detail(heading: &Heading, chart: &Chart) -> String {
    match without(&chart.series) {
        Some(names) => format!("{} Without {names}.", heading.detail),
        None => heading.detail.clone(),
    }
}

/// A text in lines that fit, as far as its words let it.
fn lines(text: &str, room: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| text_width(line) + text_width(word) + text_width(" ") <= room) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

fn count(lines: &[String]) -> i32 {
    i32::try_from(lines.len()).unwrap_or(i32::MAX)
}

/// A colour and what it means.
struct Key {
    color: RGBColor,
    name: String,
    line: i32,
    x: i32,
}

/// The series that are drawn, or the steps of a heat map.
fn legend(chart: &Chart, palette: &Palette, room: i32) -> Vec<Key> {
    let series = chart.series.iter().filter(|series| !series.hidden && chart.series.len() > 1);
    let series = series.map(|series| (palette.series(series.color), series.name.clone()));
    let unit = if chart.unit == Unit::Usd { "$" } else { "" };
    let steps = chart.scale.iter().enumerate().map(|(step, from)| match step {
        0 => format!("above {unit}{from}"),
        _ => format!("{unit}{from}+"),
    });
    let none = (!chart.scale.is_empty()).then(|| "none".to_owned());
    let steps = palette.heat.iter().copied().zip(none.into_iter().chain(steps));
    let (mut line, mut x) = (0, 0);
    let placed = series.chain(steps).map(|(color, name)| {
        let width = SWATCH + 5 + text_width(&name);
        if x > 0 && x + width > room {
            (line, x) = (line + 1, 0);
        }
        let key = Key { color, name, line, x };
        x += width + MARGIN;
        key
    });
    placed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_between_words_and_nowhere_else() {
        for (text, room, expected) in [
            ("one two three", 200, vec!["one two three"]),
            ("one two three", 60, vec!["one two", "three"]),
            ("one two three", 10, vec!["one", "two", "three"]),
            ("", 60, vec![]),
        ] {
            assert_eq!(lines(text, room), expected, "{room}");
        }
    }
}
