//! A chart's own menu: what is shown goes into files and onto the clipboard, by keys alone.

use std::path::PathBuf;

use crate::window::Window;

/// What a picture has beside the chart, in px, and pixels for each px.
const MARGINS: u32 = 32;
const SCALE: u32 = 2;

pub(super) async fn are_taken_along(window: &Window) {
    for theme in ["dark", "light"] {
        window.press(&["Ctrl+Shift+l"]).await;
        window.marks_root("theme", theme).await;
        open_the_menu(window).await;
        window.press(&["Down"]).await;
        window.focuses("usage-spend-png").await;
        window.picture(&format!("71-chart-menu-{theme}")).await;
        if theme == "dark" {
            window.resize(960, 640).await;
            window.picture("72-chart-menu-small").await;
            window.resize(1280, 800).await;
        }
        window.press(&["Escape"]).await;
        window.misses("usage-spend-options-menu").await;
        window.focuses("usage-spend-options").await;
    }
    super::the_charts_are_drawn(window).await;
    window.run::<()>(&in_the_card("series-openai", "click()")).await;
    let is_hidden = in_the_card("series-openai", "getAttribute('aria-pressed') === 'false' || null");
    window.until("a series is hidden", async || window.run::<Option<bool>>(&is_hidden).await).await;

    let picture = image_of(&saved(window, 1, ".png").await);
    let shown: u32 = window
        .run("return document.querySelector('[data-testid=usage-spend-chart] .drawing svg').width.baseVal.value")
        .await;
    assert_eq!(picture.0, (shown + MARGINS) * SCALE, "the picture is as wide as the chart");
    let drawing = std::fs::read_to_string(saved(window, 2, ".svg").await).expect("the file");
    assert!(drawing.contains("Without OpenAI.") && !drawing.contains(">\nOpenAI\n<"), "{drawing}");
    let figures = std::fs::read_to_string(saved(window, 3, ".csv").await).expect("the file");
    assert!(figures.starts_with("day,\"OpenAI, USD\","), "{figures}");
    assert_eq!(figures.lines().count(), 31, "{figures}");

    choose(window, 0).await;
    told(window, "The chart is on the clipboard").await;
    let held = tokio::task::spawn_blocking(|| arboard::Clipboard::new()?.get_image()).await;
    let held = held.expect("it ends").expect("a picture on the clipboard");
    assert_eq!((held.width, held.height), (side(picture.0), side(picture.1)));
    window.run::<()>(&in_the_card("series-openai", "click()")).await;
    the_cost_table_is_saved(window).await;
}

async fn the_cost_table_is_saved(window: &Window) {
    window.run::<()>("document.querySelector('[data-testid=group-openai]').click()").await;
    window.see("sub-gpt-5-mini").await;
    window.run::<()>("document.querySelector('[data-testid=usage]').scrollTo(0, 2000)").await;
    window.picture("73-cost-table").await;
    window.click("usage-table-csv").await;
    let file = path_in(&told(window, "by-provider-").await);
    let lines = std::fs::read_to_string(file).expect("the file");
    assert!(lines.starts_with("provider,provider_name,model,model_name,Requests,"), "{lines}");
    assert!(lines.contains("\r\nopenai,OpenAI,gpt-5-mini,gpt-5-mini,"), "{lines}");
}

async fn open_the_menu(window: &Window) {
    window.run::<()>("document.querySelector('[data-testid=usage-calendar]').focus()").await;
    window.press(&["Tab"]).await;
    window.focuses("usage-spend-options").await;
    window.press(&["Enter"]).await;
    window.focuses("usage-spend-copy").await;
}

/// Chooses the entry that is so many below the first.
async fn choose(window: &Window, below: usize) {
    open_the_menu(window).await;
    window.press(&vec!["Down"; below]).await;
    window.press(&["Enter"]).await;
    window.misses("usage-spend-options-menu").await;
}

/// The file that an entry wrote.
async fn saved(window: &Window, below: usize, ending: &str) -> PathBuf {
    choose(window, below).await;
    path_in(&told(window, ending).await)
}

/// What the toast says that says this, among other things.
async fn told(window: &Window, part: &str) -> String {
    let all = "return [...document.querySelectorAll('[data-testid=toast-text]')].map((one) => one.innerText)";
    let look = async || window.run::<Vec<String>>(all).await.into_iter().find(|text| text.contains(part));
    window.until(&format!("a toast says \"{part}\""), look).await
}

fn path_in(told: &str) -> PathBuf {
    told.split(" in ").nth(1).expect("a path").trim().into()
}

/// In pixels.
fn image_of(path: &PathBuf) -> (u32, u32) {
    let file = std::io::BufReader::new(std::fs::File::open(path).expect("the file"));
    let reader = png::Decoder::new(file).read_info().expect("a PNG");
    (reader.info().width, reader.info().height)
}

fn side(pixels: u32) -> usize {
    usize::try_from(pixels).expect("a size")
}

fn in_the_card(id: &str, what: &str) -> String {
    format!("return document.querySelector('[data-testid=usage-spend] [data-testid={id}]').{what}")
}
