// Draws two columns of a table, and reads them out point by point for pointer and arrow keys.
//
// `data-chart` on the block is the table's id, `data-lines` names its columns (`data-column` on
// their heads), the solid line first. With `data-zoomed` the scale need not begin at zero; with
// `data-limit` the second line is what the first one should keep to.
import uPlot from 'uplot';

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 7, PageDown: -7 };
const named = (part) => new Intl.DateTimeFormat('en', { [part]: 'short', timeZone: 'UTC' });
const monthName = named('month');
const weekdayName = named('weekday');
const whole = new Intl.NumberFormat('en');

// Dates read as the server writes them.
const dayAndMonth = (time) => `${new Date(time).getUTCDate()} ${monthName.format(time)}`;
const wholeDate = (time) => `${dayAndMonth(time)} ${new Date(time).getUTCFullYear()}`;
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

function columnsOf(table, names) {
  const heads = [...table.tHead.rows[0].cells];
  return names.split(' ').map((name) => {
    const index = heads.findIndex((head) => head.dataset.column === name);
    return { index, label: heads[index].textContent.trim() };
  });
}

function readTable(rows, columns) {
  const points = [...rows].map((row) => [
    secondsOf(row.querySelector('time').dateTime), ...columns.map(({ index }) => countIn(row.cells[index])),
  ]);
  points.sort((one, other) => one[0] - other[0]);
  return [0, 1, 2].map((column) => points.map((point) => point[column]));
}

// A single point stands in the middle of a week; uPlot would leave years beside it.
const someDays = (plot, low, high) => (plot.data[0].length > 1 ? [low, high] : [low - 259_200, low + 259_200]);
const fromZero = (_plot, _low, high) => [0, Math.max(high, 4) * 1.08];

function aroundTheLines(_plot, low, high) {
  const room = Math.max((high - low) * 0.15, high * 0.001, 1);
  return [Math.max(low - room, 0), high + room];
}

// As many digits as tell the ticks apart: 500, 1.5K, 10.005M.
function tickWords(ticks, increment, zoomed) {
  const unit = 1000 ** Math.floor(Math.log10(Math.max(...ticks, 1)) / 3);
  const digits = Math.max(0, Math.ceil(-Math.log10(increment / unit)));
  const short = new Intl.NumberFormat('en', {
    notation: 'compact', minimumFractionDigits: zoomed ? digits : 0, maximumFractionDigits: digits,
  });
  return ticks.map((tick) => short.format(tick));
}

function options({ width, height, pointCount, labels, zoomed, limit, onCursor }) {
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const font = `${Math.round(size * 0.8)}px "Figtree Variable", sans-serif`;
  const axis = { stroke: colour('--muted'), ticks: { show: false }, font, gap: 8 };
  const line = { width: 2.25, points: { show: pointCount < 3 } };
  const fill = (name) => (zoomed ? undefined : colour(name, 12)); // an area begins at zero
  return {
    width,
    height,
    padding: [size / 2, size * 1.4, 0, 0], // room for half of the last day's name
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 9 } },
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx)] },
    scales: { x: { range: someDays }, y: { range: zoomed ? aroundTheLines : fromZero } },
    axes: [
      { ...axis, size: size * 1.7, space: size * 3.6, grid: { show: false },
        incrs: [1, 2, 7, 14, 28, 91, 182, 364].map((days) => days * 86_400),
        values: (_plot, ticks) => ticks.map((tick) => dayAndMonth(tick * 1000)) },
      { ...axis, space: size * 2,
        size: (_plot, words) => size * Math.max(3, 0.9 + 0.48 * Math.max(0, ...(words ?? []).map((word) => word.length))),
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500].concat(
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 12].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power))),
        grid: { stroke: colour('--line'), width: 1 },
        values: (_plot, ticks, _axis, _space, increment) => tickWords(ticks, increment, zoomed) },
    ],
    series: [
      {},
      { ...line, label: labels[0], stroke: colour('--offer-line'), fill: fill('--offer-line') },
      // Dashed too: the lines must differ by more than their colour.
      { ...line, label: labels[1], stroke: colour('--seek'), fill: limit ? undefined : fill('--seek'), dash: [7, 3] },
    ],
  };
}

export function mountChart(block) {
  const plotBox = block.querySelector('[data-plot]');
  const readout = block.querySelector('[data-readout]');
  const table = document.getElementById(block.dataset.chart);
  const columns = columnsOf(table, block.dataset.lines);
  const body = table.tBodies[0];
  let data = readTable(body.rows, columns);
  let plot;
  let current = null; // which point is read out; none means the newest

  const last = () => data[0].length - 1;
  const words = (index) => {
    const figures = columns.map(({ label }, line) => `${whole.format(data[line + 1][index])} ${label.toLowerCase()}`);
    const time = data[0][index] * 1000;
    const weekday = plotBox.dataset.unit === 'day' ? `${weekdayName.format(time)}, ` : '';
    return `${weekday}${wholeDate(time)}: ${figures.join(', ')}`;
  };

  function readOut() {
    const index = Math.min(current ?? last(), last());
    readout.textContent = words(index);
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
    plot = new uPlot(options({
      width: plotBox.clientWidth,
      height: plotBox.clientHeight,
      pointCount: data[0].length,
      labels: columns.map(({ label }) => label),
      zoomed: 'zoomed' in block.dataset,
      limit: 'limit' in block.dataset,
      onCursor: pointed,
    }), data, plotBox);
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
    setPoint([day, ...figures]) {
      let row = body.rows[body.rows.length - 1];
      if (row.querySelector('time').dateTime < day) {
        row = body.appendChild(row.cloneNode(true));
        const time = row.querySelector('time');
        time.dateTime = day;
        time.textContent = wholeDate(secondsOf(day) * 1000);
      }
      for (const [line, { index }] of columns.entries()) row.cells[index].textContent = whole.format(figures[line]);
      data = readTable(body.rows, columns);
      plot.setData(data);
      showCursor();
      readOut();
    },
  };
}
