#include "status_page.h"

namespace sluice::admin {

const std::string_view kStatusPage = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Sluice</title>
<style>
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #1b2430; --dim: #5c6879; --line: #dfe4ea;
        --good: #14804a; --bad: #c2341d; --a: #1769c5; --b: #b0620a; --c: #7a43b6; --d: #0f766e; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #10151b; --card: #19212a; --ink: #e4eaf1; --dim: #9aa8b8; --line: #2b3642;
          --good: #4cc38a; --bad: #ff7b62; --a: #6cb2ff; --b: #f0a651; --c: #c39bf5; --d: #4fd1c5; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
header { display: flex; gap: .3rem .8rem; align-items: baseline; flex-wrap: wrap; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: .78rem; margin: 0 0 .3rem; color: var(--dim); text-transform: uppercase; letter-spacing: .06em; }
#state { padding: .1rem .7rem; border-radius: 1rem; color: var(--card); background: var(--dim); font-weight: 600; }
#state.good { background: var(--good); } #state.bad { background: var(--bad); }
#where, footer, .small { color: var(--dim); }
.small { font-size: .85rem; }
#reasons p { border-left: 4px solid var(--bad); background: var(--card); padding: .5rem .8rem; margin: .8rem 0 0;
             overflow-wrap: anywhere; }
.stale #live { opacity: .45; }
#charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1rem; margin-top: 1rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
.now { font-size: 1.6rem; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.3; }
svg { width: 100%; height: 4.5rem; display: block; margin: .4rem 0 .2rem; }
svg path { fill: none; stroke: currentColor; stroke-width: 1.8; vector-effect: non-scaling-stroke; }
svg path + path { fill: currentColor; stroke: none; opacity: .13; }
svg line { stroke: var(--line); vector-effect: non-scaling-stroke; }
#cards { columns: 17rem; column-gap: 1rem; margin-top: 1rem; }
#cards section { margin-bottom: 1rem; break-inside: avoid; }
#wide section { margin-top: 1rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .12rem 0; border-top: 1px solid var(--line); vertical-align: top; text-align: right;
         font-variant-numeric: tabular-nums; font-weight: 400; padding-left: 1rem; white-space: nowrap; }
tr:first-child > * { border-top: 0; }
th { color: var(--dim); }
tr > :first-child { color: var(--dim); text-align: left; padding-left: 0; white-space: normal;
                   overflow-wrap: break-word; }
#wide tr > :first-child { min-width: 8rem; }
#cards tr > :first-child { overflow-wrap: anywhere; }
progress { width: 100%; min-width: 6rem; accent-color: var(--a); }
footer { margin-top: .6rem; }
a { color: var(--a); }
</style>
</head>
<body>
<main>
<header><h1 id="name">Sluice</h1><span id="state" role="status">…</span><span id="where"></span></header>
<div id="reasons" role="alert"></div>
<div id="live"><div id="charts"></div><div id="wide"></div><div id="cards"></div></div>
<footer><a href="status">status</a> · <a href="metrics">metrics</a> · <a href="healthz">healthz</a> ·
<a href="readyz">readyz</a> · <span id="time"></span></footer>
</main>
<template id="chart"><svg viewBox="0 0 300 60" preserveAspectRatio="none" role="img">
<line x1="0" y1="59" x2="300" y2="59"/><path/><path/></svg></template>
)html"
                                     R"html(<script>
'use strict';
const EVERY = 2000, KEEP = 150, MOST_TABLES = 50, charts = new Map();
let last = null, answered = null;
const at = id => document.getElementById(id);
const digits = (value, most) => value.toLocaleString('en', {maximumFractionDigits: most});
function scaled(value, base, units) {
  let unit = 0;
  while (value >= base && unit < units.length - 1) { value /= base; unit++; }
  return digits(value, value < 10 && unit ? 1 : 0) + ' ' + units[unit];
}
const size = value => scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
function time(s) {
  if (s >= 120) return digits(Math.floor(s / 60), 0) + ' min ' + digits(s % 60, 0) + ' s';
  return s >= 1 || s === 0 ? digits(s, s < 10 ? 1 : 0) + ' s' : digits(s * 1000, s < 0.01 ? 1 : 0) + ' ms';
}
function shown(key, value) {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') {
    return /bytes/.test(key) ? size(value) : /seconds$/.test(key) ? time(value) : digits(value, 0);
  }
  return /^\d{4}-\d\d-\d\dT/.test(value) ? value.replace('T', ' ').replace(/\.\d+Z$/, ' UTC') : value;
}
const words = key => key.replace(/_bytes$|_seconds$/, '').replaceAll('_', ' ');
function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}
function card(title, ...content) {
  const section = element('section');
  section.append(element('h2', title), ...content);
  return section;
}
function row(table, cells, name) {
  const made = table.insertRow();
  made.append(...cells.map(cell => cell instanceof Node ? cell : element(name || 'td', cell)));
}
function pairs(table, object, prefix) {
  for (const [key, value] of Object.entries(object)) {
    if (value !== null && typeof value === 'object') pairs(table, value, prefix + words(key) + ' ');
    else row(table, [prefix + words(key), shown(prefix + key, value)]);
  }
  return table;
}
// One row for each of many things that have the same members.
function matrix(object, most) {
  const table = element('table'), found = Object.entries(object);
  const columns = Object.keys(found[0][1]);
  row(table, ['', ...columns.map(words)], 'th');
  if (found.length > most) {
    const total = of => Object.values(of[1]).reduce((sum, value) => sum + Number(value), 0);
    found.sort((a, b) => total(b) - total(a));
  } else {
    found.sort((a, b) => a[0].localeCompare(b[0], 'en', {numeric: true}));
  }
  for (const [name, of] of found.slice(0, most)) row(table, [name, ...columns.map(key => shown(key, of[key]))]);
  if (found.length > most) row(table, ['… and ' + (found.length - most) + ' more in /status']);
  return table;
}
function snapshot(object) {
  const table = element('table');
  for (const [name, of] of Object.entries(object)) {
    const bar = element('progress'), cell = element('td');
    const expected = Math.max(of.estimated_rows || 0, of.rows, 1);
    if (of.finished || of.estimated_rows) { bar.max = expected; bar.value = of.finished ? expected : of.rows; }
    cell.append(bar);
    const goal = of.estimated_rows ? ' of about ' + digits(expected, 0) : '';
    const much = of.finished ? ' rows, finished' : goal + ' rows';
    row(table, [name, cell, digits(of.rows, 0) + much]);
  }
  return table;
}
function errors(object) {
  const table = element('table');
  for (const [id, count] of Object.entries(object.count_by_id)) row(table, [id, digits(count, 0) + ' ×']);
  const parts = [table];
  if (object.last) {
    parts.push(element('div', shown('', object.last.time) + ' · ' + object.last.id, 'small'),
               element('div', object.last.message));
  }
  return parts;
}
function draw(values, floor) {
  const top = Math.max(...values, floor), x = i => (300 - (values.length - 1 - i) * 300 / (KEEP - 1)).toFixed(1);
  const line = values.map((v, i) => (i ? 'L' : 'M') + x(i) + ' ' + (58 - v / top * 55).toFixed(1)).join(' ');
  return [line, line + ' L300 59 L' + x(0) + ' 59 Z', top];
}
function chart(title, color, value, floor, text, more) {
  if (!charts.has(title)) charts.set(title, []);
  const values = charts.get(title);
  if (value !== null) values.push(value);
  if (values.length > KEEP) values.shift();
  const svg = at('chart').content.firstElementChild.cloneNode(true);
  svg.setAttribute('aria-label', title + ', the last five minutes');
  let scale = '';
  if (values.length) {
    const [line, area, top] = draw(values, floor), [first, second] = svg.querySelectorAll('path');
    first.setAttribute('d', line);
    second.setAttribute('d', area);
    scale = 'scale to ' + text(top);
  }
  svg.style.color = color;
  const foot = element('div', scale, 'small');
  return card(title, element('div', values.length ? text(values[values.length - 1]) : '–', 'now'),
              element('div', more || '\u00a0', 'small'), svg, foot);
}
// What went on between two looks: a rate, and a mean of those that came in between.
function changes(status) {
  const latency = status.commit_to_kafka || status.commit_to_bulk || {count: 0, mean_seconds: 0};
  const now = {at: performance.now(), total: status.throughput.total, count: latency.count,
               sum: latency.count * latency.mean_seconds};
  const before = last && now.total >= last.total && now.count >= last.count ? last : null;
  last = now;
  const more = before ? now.count - before.count : 0;
  const passed = before ? Math.max(now.at - before.at, 1) : 1;
  return {latency, rate: before ? (now.total - before.total) * 1000 / passed : null,
          mean: more > 0 ? Math.max(0, now.sum - before.sum) / more : null};
}
function picture(status) {
  const {latency, rate, mean} = changes(status), lag = status.lag;
  const since = latency.count ? '50 % ≤ ' + time(latency.p50_seconds) + ', 99 % ≤ ' + time(latency.p99_seconds) : '';
  const made = [
    chart(status.throughput.of, 'var(--a)', rate, 10, v => digits(v, 0) + ' / s',
          digits(status.throughput.total, 0) + ' since the start'),
    chart('lag', 'var(--b)', lag.seconds, 1, time,
          lag.bytes !== undefined ? size(lag.bytes) + ' of WAL' : digits(lag.records, 0) + ' records'),
    chart(status.commit_to_kafka ? 'commit to Kafka' : 'commit to document', 'var(--c)', mean, 0.01, time, since)];
  if (status.slot) {
    const {fresh, asked, retained_bytes, wal_status} = status.slot;
    made.push(chart('WAL kept by the slot', 'var(--d)', fresh ? retained_bytes : null, 65536, size,
                    fresh ? 'wal_status ' + (wal_status || 'unknown') : 'not answered since ' + shown('', asked)));
  }
  at('charts').replaceChildren(...made);
}
function details(status) {
  const wide = [], few = [], done = ['reasons', 'throughput', 'lag', 'commit_to_kafka', 'commit_to_bulk'];
  for (const [key, value] of Object.entries(status)) {
    if (done.includes(key) || !value || typeof value !== 'object' || !Object.keys(value).length) continue;
    if (key === 'snapshot') wide.push(card('snapshot', snapshot(value)));
    else if (key === 'halted_tables') wide.push(card('halted tables', matrix(value, MOST_TABLES)));
    else if (key === 'tables') wide.push(card('tables: changes read', matrix(value, MOST_TABLES)));
    else if (key === 'partitions') wide.push(card('partitions: offsets', matrix(value, MOST_TABLES)));
    else if (key === 'errors' && value.last) wide.push(card('errors lived with', ...errors(value)));
    else if (key === 'errors') continue;
    else few.push(card(words(key), pairs(element('table'), value, '')));
  }
  at('wide').replaceChildren(...wide);
  at('cards').replaceChildren(...few);
}
function reason(id, message) {
  const line = element('p');
  line.append(element('strong', id), ' ' + message);
  return line;
}
function state(text, good) {
  at('state').textContent = text;
  at('state').className = good ? 'good' : 'bad';
}
function show(status) {
  document.body.className = '';
  at('name').textContent = status.program || 'Sluice';
  document.title = (status.healthy ? '' : '✗ ') + (status.program || 'Sluice') + ' ' + (status.pipeline || '');
  at('where').textContent = ['pipeline ' + status.pipeline, status.group && 'group ' + status.group,
                             status.epoch && 'epoch ' + status.epoch, status.version].filter(Boolean).join(' · ');
  state(status.state || 'starting', status.healthy);
  at('reasons').replaceChildren(...status.reasons.map(one => reason(one.id, one.message)));
  if (!status.throughput) return;
  picture(status);
  details(status);
  at('time').textContent = shown('', status.time);
}
function silent() {
  document.body.className = 'stale';
  document.title = '✗ ' + at('name').textContent;
  state('no answer', false);
  at('reasons').replaceChildren(reason('The program does not answer.', answered ?
    'Below is what it said at ' + answered.toLocaleTimeString() + '. Its last line on stderr says why it ended.' :
    'It is asked again every two seconds.'));
}
async function look() {
  try {
    show(await (await fetch('status', {cache: 'no-store', signal: AbortSignal.timeout(5000)})).json());
    answered = new Date();
  } catch {
    silent();
  }
  setTimeout(look, EVERY);
}
look();
</script>
</body>
</html>
)html";

}  // namespace sluice::admin
