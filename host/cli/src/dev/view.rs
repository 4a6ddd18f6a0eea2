//! Where pages are shown: on a terminal, that is left as it was; or as lines, where there is none.

use std::fs::File;
use std::io::{IsTerminal as _, stdout};
use std::os::fd::OwnedFd;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as Shown, Text};
use ratatui::widgets::Paragraph;
use tokio::sync::{mpsc, watch};

use crate::dev::cycle::Step;
use crate::dev::page::{Page, Tone};
use crate::failure::Failure;

/// How often the terminal is asked for keys, and what is being done is shown anew.
const TICK: Duration = Duration::from_millis(100);
const HELP: &str = " q ends   r again   u expect what came   ↑↓ PgUp PgDn";

/// What somebody pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Again,
    Update,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    /// The terminal has another size, or it is time to say what is being done.
    Redraw,
}

/// Where pages are shown.
pub(super) enum View {
    Lines,
    Terminal(Box<Screen>),
}

/// A terminal.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    keys: mpsc::UnboundedReceiver<Key>,
    step: watch::Receiver<Step>,
    page: Page,
    note: Option<String>,
    first_line: usize,
    /// What was written to standard error would be written over the page.
    stderr: Option<OwnedFd>,
}

impl View {
    /// # Errors
    ///
    /// When the terminal cannot be used.
    pub(super) fn open(step: watch::Receiver<Step>) -> Result<Self, Failure> {
        if !stdout().is_terminal() {
            return Ok(Self::Lines);
        }
        let failed = |error: std::io::Error| {
            Failure::new(74, format!("the terminal cannot be used: {error}"))
        };
        let terminal = ratatui::try_init().map_err(failed)?;
        let stderr = silenced().ok();
        let (tell, keys) = mpsc::unbounded_channel();
        std::thread::spawn(move || listen(&tell));
        let page = Page::default();
        let screen = Screen { terminal, keys, step, page, note: None, first_line: 0, stderr };
        Ok(Self::Terminal(Box::new(screen)))
    }

    /// The next key; never, where there is no terminal.
    pub(super) async fn key(&mut self) -> Key {
        match self {
            Self::Lines => std::future::pending().await,
            Self::Terminal(screen) => screen.keys.recv().await.unwrap_or(Key::Quit),
        }
    }

    pub(super) fn show(&mut self, page: Page) -> Result<(), Failure> {
        match self {
            Self::Lines => {
                for line in page.lines() {
                    say!("{}", line.text);
                }
                say!("");
                Ok(())
            }
            Self::Terminal(screen) => {
                screen.page = page;
                screen.note = None;
                screen.first_line = 0;
                screen.draw()
            }
        }
    }

    /// Says why something that was asked for could not be done.
    pub(super) fn note(&mut self, note: Option<String>) -> Result<(), Failure> {
        match self {
            Self::Lines => Ok(()),
            Self::Terminal(screen) => {
                screen.note = note;
                screen.draw()
            }
        }
    }

    pub(super) fn scroll(&mut self, key: Key) -> Result<(), Failure> {
        match self {
            Self::Lines => Ok(()),
            Self::Terminal(screen) => screen.scroll(key),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
        if let Some(stderr) = self.stderr.take() {
            // What cannot be given back is of no use at the end of a program either.
            let _ = rustix::stdio::dup2_stderr(&stderr);
        }
    }
}

/// Sends standard error nowhere; what it was.
fn silenced() -> std::io::Result<OwnedFd> {
    let before = rustix::io::fcntl_dupfd_cloexec(std::io::stderr(), 3)?;
    let nowhere = File::options().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stderr(&nowhere)?;
    Ok(before)
}

/// Hears keys until nobody listens.
fn listen(tell: &mpsc::UnboundedSender<Key>) {
    loop {
        let key = match event::poll(TICK) {
            Ok(false) => Some(Key::Redraw),
            Ok(true) => event::read().ok().and_then(|event| pressed(&event)),
            Err(_) => Some(Key::Quit),
        };
        if key.is_some_and(|key| tell.send(key).is_err()) {
            return;
        }
    }
}

fn pressed(event: &Event) -> Option<Key> {
    let Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) = event else {
        return matches!(event, Event::Resize(..)).then_some(Key::Redraw);
    };
    Some(match code {
        KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char('r') => Key::Again,
        KeyCode::Char('u') => Key::Update,
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown | KeyCode::Char(' ') => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}

impl Screen {
    fn scroll(&mut self, key: Key) -> Result<(), Failure> {
        let height = self
            .terminal
            .size()
            .map_or(24, |size| usize::from(size.height))
            .saturating_sub(2)
            .max(1);
        let last = self.page.lines().len().saturating_sub(height);
        let first = self.first_line;
        self.first_line = match key {
            Key::Up => first.saturating_sub(1),
            Key::Down => first + 1,
            Key::PageUp => first.saturating_sub(height),
            Key::PageDown => first + height,
            Key::Home => 0,
            Key::End => last,
            Key::Quit | Key::Again | Key::Update | Key::Redraw => first,
        }
        .min(last);
        self.draw()
    }

    fn draw(&mut self) -> Result<(), Failure> {
        let step = self.step.borrow().text.clone();
        let (page, note, first) = (&self.page, self.note.as_deref(), self.first_line);
        let drawn = self.terminal.draw(|frame| draw(frame, page, &step, note, first));
        drawn
            .map(drop)
            .map_err(|error| Failure::new(74, format!("the terminal cannot be used: {error}")))
    }
}

fn draw(
    frame: &mut ratatui::Frame<'_>,
    page: &Page,
    step: &str,
    note: Option<&str>,
    first_line: usize,
) {
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)])
            .areas(frame.area());
    let title = match (step, page.title.as_str()) {
        ("", title) => format!(" {title}"),
        (step, "") => format!(" {step} …"),
        (step, title) => format!(" {step} …   before: {title}"),
    };
    let colour = match (step, page.is_good) {
        ("", true) => Color::Green,
        ("", false) => Color::Red,
        _ => Color::Blue,
    };
    let bar = Style::new().fg(Color::Black).bg(colour).add_modifier(Modifier::BOLD);
    frame.render_widget(Paragraph::new(title).style(bar), top);
    let lines = page
        .lines()
        .iter()
        .skip(first_line + 1)
        .map(|line| Shown::styled(line.text.as_str(), style(line.tone)));
    frame.render_widget(Paragraph::new(Text::from_iter(lines)), middle);
    let foot = note.map_or_else(|| HELP.to_owned(), |note| format!(" {note}"));
    let tone = if note.is_some() { Tone::Bad } else { Tone::Dim };
    frame.render_widget(Paragraph::new(foot).style(style(tone)), bottom);
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Heading => Style::new().add_modifier(Modifier::BOLD),
        Tone::Good => Style::new().fg(Color::Green),
        Tone::Bad => Style::new().fg(Color::Red),
        Tone::Dim => Style::new().add_modifier(Modifier::DIM),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn shown(page: &Page, step: &str, note: Option<&str>) -> String {
        let mut terminal = Terminal::new(TestBackend::new(60, 5)).unwrap();
        terminal.draw(|frame| draw(frame, page, step, note, 0)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn what_is_being_done_and_what_came_before_are_on_top() {
        let mut page = Page::default();
        page.title = "gross: 3 passed".to_owned();
        page.is_good = true;
        assert!(shown(&page, "", None).contains(" gross: 3 passed "));
        assert!(
            shown(&page, "cargo build", None).contains(" cargo build …   before: gross: 3 passed")
        );
        assert!(shown(&page, "", None).contains("q ends"));
        assert!(shown(&page, "", Some("no room")).contains(" no room "));
    }

    #[test]
    fn keys_that_mean_nothing_are_none() {
        let key = |code| pressed(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        assert_eq!(key(KeyCode::Char('q')), Some(Key::Quit));
        assert_eq!(key(KeyCode::Char('x')), None);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(pressed(&Event::Key(interrupt)), Some(Key::Quit));
    }
}
