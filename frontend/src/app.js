// What every page loads: its styles, htmx, and small improvements on plain forms.
import './app.css';
import 'htmx.org';

const ONE_YEAR_SECONDS = 31_536_000;

function rememberTheme(theme) {
  const secure = location.protocol === 'https:' ? ';secure' : '';
  document.cookie = `theme=${theme};path=/;max-age=${ONE_YEAR_SECONDS};samesite=lax${secure}`;
}

function switchTheme(event) {
  const form = event.target.closest('[data-theme-form]');
  if (!form || !event.submitter) return;
  event.preventDefault();
  const theme = event.submitter.value;
  document.documentElement.dataset.theme = theme;
  rememberTheme(theme);
  // The pressed button hides itself: focus goes to its twin, so that the keyboard stays put.
  form.querySelector(`button:not([value="${theme}"])`)?.focus();
  document.dispatchEvent(new CustomEvent('themechange', { detail: { theme } }));
}

function closeOpenMenus(event) {
  for (const menu of document.querySelectorAll('details[data-menu][open]')) {
    const leaves = event.type === 'keydown' ? event.key === 'Escape' : !menu.contains(event.target);
    if (!leaves) continue;
    menu.open = false;
    if (event.type === 'keydown') menu.querySelector('summary').focus();
  }
}

// autofocus on a non-field is honoured on a full load only, not after htmx swaps a form in.
function focusErrorSummary() {
  document.querySelector('[data-error-summary]')?.focus();
}

document.addEventListener('submit', switchTheme);
document.addEventListener('click', closeOpenMenus);
document.addEventListener('keydown', closeOpenMenus);
document.addEventListener('htmx:after:swap', focusErrorSummary);
focusErrorSummary();
