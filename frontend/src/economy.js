// The operators' economy page: a chart over its table, and figures that keep themselves fresh.
import './economy.css';
import 'uplot/dist/uPlot.min.css';
import { mountChart } from './economy/chart.js';
import { mountLive } from './economy/live.js';

const chart = mountChart(document.querySelector('[data-chart]'));
mountLive(document.querySelector('[data-live]'), chart);
