// Draws what the block's table holds, and reads it out day by day for pointer and arrow keys.
import uPlot from 'uplot';

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 7, PageDown: -7 };
const dayAndMonth = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const withWeekday = new Intl.DateTimeFormat('en', {
  weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC',
});
const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact' });

const secondsOf = (day) => Date.parse(`${day}T00:00:00Z`) / 1000;
const countIn = (cell) => Number(cell.textContent.replaceAll(',', ''));

function colour(name, part = 100) {
  const probe = document.createElement('span');
  probe.style.color = `color-mix(in oklab, var(${name}) ${part}%, transparent)`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function readTable(rows) {
  const points = [...rows].map((row) => [
    secondsOf(row.querySelector('time').dateTime), countIn(row.cells[1]), countIn(row.cells[2]),
  ]);
  return [0, 1, 2].map((column) => points.map((point) => point[column]));
}

function options(width, height, pointCount, onCursor) {
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const font = `${Math.round(size * 0.8)}px "Figtree Variable", sans-serif`;
  const axis = { stroke: colour('--muted'), ticks: { show: false }, font, gap: 8 };
  const points = { show: pointCount < 3 };
  return {
    width,
    height,
    padding: [size / 2, size * 1.4, 0, 0], // room for half of the last day's name
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 9 } },
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx)] },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(high, 4) * 1.08] } },
    axes: [
      { ...axis, size: size * 1.7, space: size * 4.5, grid: { show: false },
        incrs: [1, 2, 7, 14, 28, 91, 182, 364].map((days) => days * 86_400),
        values: (_plot, ticks) => ticks.map((tick) => dayAndMonth.format(tick * 1000)) },
      { ...axis, size: size * 3, space: size * 2, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500].concat(
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 12].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power))),
        grid: { stroke: colour('--line'), width: 1 },
        values: (_plot, ticks) => ticks.map((tick) => short.format(tick)) },
    ],
    series: [
      {},
      { label: 'Earned', stroke: colour('--offer-line'), fill: colour('--offer-line', 12), width: 2.25, points },
      // Dashed too: the lines must differ by more than their colour.
      { label: 'Spent', stroke: colour('--seek'), fill: colour('--seek', 12), width: 2.25, dash: [7, 3], points },
    ],
  };
}

export function mountChart(block) {
  const plotBox = block.querySelector('[data-plot]');
  const readout = block.querySelector('[data-readout]');
  const body = block.querySelector('[data-points]').tBodies[0];
  let data = readTable(body.rows);
  let plot;
  let current = null; // which point is read out; none means the newest

  const last = () => data[0].length - 1;
  const words = (index) =>
    `${withWeekday.format(data[0][index] * 1000)}: ${whole.format(data[1][index])} earned, ${whole.format(data[2][index])} spent`;

  function readOut() {
    const index = Math.min(current ?? last(), last());
    readout.textContent = current === null ? '' : words(index);
    plotBox.setAttribute('aria-valuemax', last() + 1);
    plotBox.setAttribute('aria-valuenow', index + 1);
    plotBox.setAttribute('aria-valuetext', words(index));
  }

  function showCursor() {
    if (current === null) return;
    plot.setCursor({ left: plot.valToPos(data[0][current], 'x'), top: plot.valToPos(data[1][current], 'y') }, false);
  }

  function draw() {
    plot?.destroy();
    plot = new uPlot(options(plotBox.clientWidth, plotBox.clientHeight, data[0].length, pointed), data, plotBox);
    showCursor();
  }

  function pointed(index) {
    if (index === undefined) return;
    // Leaving with the pointer keeps what the keyboard chose.
    if (index === null && document.activeElement === plotBox) return;
    current = index;
    readOut();
  }

  function move(event) {
    const step = STEPS[event.key];
    const from = current ?? last();
    if (event.key === 'Home') current = 0;
    else if (event.key === 'End') current = last();
    else if (step) current = Math.min(last(), Math.max(0, from + (current === null && step < 0 ? 0 : step)));
    else return;
    event.preventDefault();
    showCursor();
    readOut();
  }

  function leave() {
    current = null;
    plot.setCursor({ left: -10, top: -10 }, false);
    readOut();
  }

  plotBox.addEventListener('keydown', move);
  plotBox.addEventListener('blur', leave);
  document.addEventListener('themechange', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  new ResizeObserver(() => {
    if (plotBox.clientWidth !== plot.width || plotBox.clientHeight !== plot.height) draw();
  }).observe(plotBox);
  draw();
  readOut();

  return {
    // Renews the newest point, or begins the next one.
    setPoint([day, earned, spent]) {
      let row = body.rows[body.rows.length - 1];
      if (row.querySelector('time').dateTime < day) {
        row = body.appendChild(row.cloneNode(true));
        const time = row.querySelector('time');
        time.dateTime = day;
        time.textContent = `${dayAndMonth.format(Date.parse(`${day}T00:00:00Z`))} ${day.slice(0, 4)}`;
      }
      row.cells[1].textContent = whole.format(earned);
      row.cells[2].textContent = whole.format(spent);
      data = readTable(body.rows);
      plot.setData(data);
      showCursor();
      readOut();
    },
  };
}
