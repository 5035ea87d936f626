// Keeps the page's figures fresh from the server's stream, and says how fresh they are.

const STALE_MILLISECONDS = 15_000; // three beats of the server without a word
const SAY_MILLISECONDS = 60_000; // screen readers hear a summary, not every movement

function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function age(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

export function mountLive(page, chart) {
  const pause = page.querySelector('[data-live-pause]');
  const status = page.querySelector('[data-live-status]');
  const said = page.querySelector('[data-live-said]');
  const signIn = page.querySelector('[data-live-sign-in]');
  let source = null;
  let shownAt = status.textContent.match(/[\d:]{8}/)[0]; // the server's clock, in UTC
  let heardAt = Date.now();
  let saidAt = Date.now();
  let ended = false;

  const isPaused = () => pause.getAttribute('aria-pressed') === 'true';

  function sayStatus() {
    const old = Date.now() - heardAt;
    if (!signIn.hidden) setText(status, `You are no longer signed in here as an operator. Figures of ${shownAt} UTC, ${age(old)} old.`);
    else if (isPaused()) setText(status, `Paused. Figures of ${shownAt} UTC, ${age(old)} old.`);
    else if (ended) setText(status, `Not live any more: reload the page. Figures of ${shownAt} UTC, ${age(old)} old.`);
    else if (old > STALE_MILLISECONDS) setText(status, `Not connected. Figures of ${shownAt} UTC, ${age(old)} old.`);
    else setText(status, `Updated ${shownAt} UTC.`);
  }

  function heard(at) {
    shownAt = at;
    heardAt = Date.now();
    sayStatus();
  }

  function show(event) {
    const news = JSON.parse(event.data);
    for (const [name, tile] of Object.entries(news.tiles)) {
      for (const box of page.querySelectorAll(`[data-tile="${name}"]`)) {
        for (const [part, text] of Object.entries(tile)) setText(box.querySelector(`[data-${part}]`), text);
      }
    }
    setText(page.querySelector('[data-flow-summary]'), news.summary);
    chart.setPoint(news.point);
    const latest = page.querySelector('[data-latest]');
    if (latest.dataset.shown !== news.rows) {
      latest.innerHTML = news.rows;
      latest.dataset.shown = news.rows;
    }
    heard(news.at);
    if (Date.now() - saidAt > SAY_MILLISECONDS) {
      saidAt = Date.now();
      setText(said, `Updated ${news.at} UTC: ${news.tiles.circulation.value} POT in circulation.`);
    }
  }

  function open() {
    if (source || ended || isPaused() || document.hidden) return;
    source = new EventSource(page.dataset.live);
    source.addEventListener('figures', show);
    source.addEventListener('current', (event) => heard(JSON.parse(event.data).at));
    // The server says so when the session is over, and for no other reason.
    source.addEventListener('ended', () => {
      ended = true;
      signIn.hidden = false;
      pause.hidden = true;
      close();
      setText(said, 'Not live any more: you are no longer signed in here as an operator.');
      sayStatus();
    });
    // The browser connects again by itself, unless the server refused.
    source.addEventListener('error', () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      ended = true;
      close();
      sayStatus();
    });
  }

  function close() {
    source?.close();
    source = null;
  }

  pause.addEventListener('click', () => {
    pause.setAttribute('aria-pressed', String(!isPaused()));
    if (isPaused()) close();
    else open();
    setText(said, isPaused() ? 'Paused.' : 'Live again.');
    sayStatus();
  });
  // Nobody looks at a hidden page: it neither costs a connection nor goes stale on the screen.
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  setInterval(sayStatus, 1_000);
  open();
}
