// The operators' pages with charts: each over its table, and figures that keep themselves fresh.
import './economy.css';
import 'uplot/dist/uPlot.min.css';
import { mountChart } from './economy/chart.js';
import { mountLive } from './economy/live.js';

const charts = [...document.querySelectorAll('[data-chart]')].map(mountChart);
const livePage = document.querySelector('[data-live]');
if (livePage) mountLive(livePage, charts[0]);
