//! The colours and the font of charts: the same values as `ui/src/tokens.css`, which a test compares.

use plotters::style::RGBColor;

use super::ChartTheme;

/// The font of the window. Charts are shown inside it, so the system's own font is there.
pub(super) const FONT: &str =
    r#"-apple-system, "Segoe UI Variable Text", "Segoe UI", Inter, system-ui, "Noto Sans", sans-serif"#;
/// Axis text in px.
pub(super) const FONT_PX: f64 = 11.0;

/// The colours of one theme.
#[derive(Debug)]
pub(super) struct Palette {
    /// `--c1` to `--c6`.
    pub(super) series: [RGBColor; 6],
    /// `--chart-grid`.
    pub(super) grid: RGBColor,
    /// `--chart-axis`.
    pub(super) axis: RGBColor,
    /// `--chart-label`.
    pub(super) label: RGBColor,
    /// `--warn`: the cap line and its label.
    pub(super) cap: RGBColor,
    /// `--h0` to `--h5`.
    pub(super) heat: [RGBColor; 6],
    /// `--border-strong`: market sessions.
    pub(super) session: RGBColor,
    /// `--bg-panel`.
    pub(super) panel: RGBColor,
    /// `--text`.
    pub(super) text: RGBColor,
}

const DARK: Palette = Palette {
    series: [
        rgb(0x4f_8f_f7),
        rgb(0xe6_cf_4a),
        rgb(0x93_5f_9e),
        rgb(0x86_e0_f2),
        rgb(0xc9_6a_35),
        rgb(0x98_a1_ac),
    ],
    grid: rgb(0x24_29_31),
    axis: rgb(0x3a_42_4c),
    label: rgb(0x87_8f_9a),
    cap: rgb(0xf0_b0_3e),
    heat: [
        rgb(0x19_1d_22),
        rgb(0x1c_2c_4a),
        rgb(0x21_42_76),
        rgb(0x2a_5c_ab),
        rgb(0x45_83_e0),
        rgb(0x93_bd_ff),
    ],
    session: rgb(0x3a_42_4c),
    panel: rgb(0x15_18_1c),
    text: rgb(0xe8_eb_ef),
};

const LIGHT: Palette = Palette {
    series: [
        rgb(0x2f_6f_dc),
        rgb(0xb0_88_1e),
        rgb(0x6b_2f_8f),
        rgb(0x2b_99_92),
        rgb(0x9a_34_12),
        rgb(0x56_5d_66),
    ],
    grid: rgb(0xec_ef_f2),
    axis: rgb(0xc6_cd_d6),
    label: rgb(0x5b_64_70),
    cap: rgb(0x7a_4f_00),
    heat: [
        rgb(0xf3_f5_f7),
        rgb(0xdb_e7_fb),
        rgb(0xb3_cd_f6),
        rgb(0x7e_a9_ec),
        rgb(0x3f_78_d6),
        rgb(0x16_3f_8f),
    ],
    session: rgb(0xc6_cd_d6),
    panel: rgb(0xff_ff_ff),
    text: rgb(0x14_18_1d),
};

const fn rgb(hex: u32) -> RGBColor {
    let [_, red, green, blue] = hex.to_be_bytes();
    RGBColor(red, green, blue)
}

impl Palette {
    /// The colours of that theme.
    pub(super) fn of(theme: ChartTheme) -> &'static Self {
        match theme {
            ChartTheme::Dark => &DARK,
            ChartTheme::Light => &LIGHT,
        }
    }

    /// Colour 1 to 6; any other number is drawn as the last, "any other provider".
    pub(super) fn series(&self, number: u8) -> RGBColor {
        let index = usize::from(number).wrapping_sub(1);
        self.series.get(index).copied().unwrap_or(self.series[5])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: &str = include_str!("../../../../ui/src/tokens.css");

    /// The value of a token in the first block whose selector ends with `selector`.
    fn token<'a>(selector: &str, name: &str) -> &'a str {
        let block = TOKENS.split_once(&format!("{selector} {{")).expect("a block of that theme").1;
        let block = block.split_once("\n}").expect("its end").0;
        let value = block.split_once(&format!("{name}: ")).expect(name).1;
        value.split_once(';').expect("a semicolon").0
    }

    fn hex(color: RGBColor) -> String {
        format!("#{:02x}{:02x}{:02x}", color.0, color.1, color.2)
    }

    #[test]
    fn colours_are_those_of_the_window() {
        for (theme, selector) in
            [(ChartTheme::Dark, "[data-theme=\"dark\"]"), (ChartTheme::Light, "[data-theme=\"light\"]")]
        {
            let palette = Palette::of(theme);
            for number in 1..=6_u8 {
                assert_eq!(
                    hex(palette.series(number)),
                    token(selector, &format!("--c{number}")),
                    "{selector}"
                );
            }
            for (number, color) in palette.heat.iter().enumerate() {
                assert_eq!(hex(*color), token(selector, &format!("--h{number}")), "{selector}");
            }
            assert_eq!(hex(palette.session), token(selector, "--border-strong"));
            assert_eq!(hex(palette.panel), token(selector, "--bg-panel"));
            assert_eq!(hex(palette.text), token(selector, "--text"));
            assert_eq!(hex(palette.grid), token(selector, "--chart-grid"));
            assert_eq!(hex(palette.axis), token(selector, "--chart-axis"));
            assert_eq!(hex(palette.label), token(selector, "--chart-label"));
            assert_eq!(hex(palette.cap), token(selector, "--warn"));
        }
        assert_eq!(FONT, token(":root", "--font-ui"));
    }
}
