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
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #1b2430; --dim: #667285; --line: #dfe4ea;
        --good: #14804a; --bad: #c2341d; --a: #1769c5; --b: #b0620a; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #10151b; --card: #19212a; --ink: #e4eaf1; --dim: #94a2b3; --line: #2b3642;
          --good: #4cc38a; --bad: #ff7b62; --a: #6cb2ff; --b: #f0a651; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
header { display: flex; gap: .8rem; align-items: baseline; flex-wrap: wrap; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: .78rem; margin: 0 0 .3rem; color: var(--dim); text-transform: uppercase; letter-spacing: .06em; }
#state { padding: .1rem .7rem; border-radius: 1rem; color: var(--card); background: var(--dim); font-weight: 600; }
#state.good { background: var(--good); } #state.bad { background: var(--bad); }
#where { color: var(--dim); }
#reasons p { border-left: 4px solid var(--bad); background: var(--card); padding: .5rem .8rem; margin: .8rem 0 0; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; margin-top: 1rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
.now { font-size: 1.7rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.now small { font-size: .9rem; font-weight: 400; color: var(--dim); }
svg { width: 100%; height: 5rem; display: block; margin-top: .4rem; }
svg path { fill: none; stroke-width: 1.8; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
svg line { stroke: var(--line); vector-effect: non-scaling-stroke; }
table { border-collapse: collapse; width: 100%; }
td { padding: .12rem 0; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr:first-child td { border-top: 0; }
td:first-child { color: var(--dim); padding-right: 1rem; }
td:last-child { text-align: right; font-variant-numeric: tabular-nums; }
footer { margin-top: 1rem; color: var(--dim); }
a { color: var(--a); }
</style>
</head>
<body>
<main>
<header><h1 id="name">Sluice</h1><span id="state">…</span><span id="where"></span></header>
<div id="reasons"></div>
<div class="grid">
<section><h2 id="rate-of">Throughput</h2><div class="now"><span id="rate">–</span> <small>/ s</small></div>
<svg viewBox="0 0 300 60" preserveAspectRatio="none" role="img" aria-label="throughput of the last five minutes">
<line x1="0" y1="59" x2="300" y2="59"/><path id="rate-line" stroke="var(--a)"/></svg></section>
<section><h2>Lag</h2><div class="now"><span id="lag">–</span> <small>s</small></div>
<svg viewBox="0 0 300 60" preserveAspectRatio="none" role="img" aria-label="lag of the last five minutes">
<line x1="0" y1="59" x2="300" y2="59"/><path id="lag-line" stroke="var(--b)"/></svg></section>
</div>
<div class="grid" id="cards"></div>
<footer><a href="status">status</a> · <a href="metrics">metrics</a> · <a href="healthz">healthz</a> ·
<a href="readyz">readyz</a> · <span id="time"></span></footer>
</main>
<script>
'use strict';
const EVERY = 2000, KEEP = 150, rates = [], lags = [];
let last = null;
const at = id => document.getElementById(id);
const shown = value => value === null ? '–' : typeof value === 'number'
  ? value.toLocaleString('en', {maximumFractionDigits: 3}) : value === true ? 'yes' : value === false ? 'no' : value;
function draw(id, values) {
  const top = Math.max(...values, 1e-9);
  const x = i => 300 - (values.length - 1 - i) * 300 / (KEEP - 1);
  at(id).setAttribute('d', values.map((v, i) => (i ? 'L' : 'M') + x(i).toFixed(1) + ' ' +
    (58 - v / top * 55).toFixed(1)).join(' '));
}
function keep(values, value) { values.push(value); if (values.length > KEEP) values.shift(); }
function rows(table, object, prefix) {
  for (const [key, value] of Object.entries(object)) {
    if (value !== null && typeof value === 'object') { rows(table, value, prefix + key + ' '); continue; }
    const row = table.insertRow();
    row.insertCell().textContent = prefix + key.replaceAll('_', ' ');
    row.insertCell().textContent = shown(value);
  }
}
function card(title, object) {
  const section = document.createElement('section'), head = document.createElement('h2');
  const table = document.createElement('table');
  head.textContent = title.replaceAll('_', ' ');
  rows(table, object, '');
  section.append(head, table);
  return section;
}
function state(text, kind) { at('state').textContent = text; at('state').className = kind; }
function show(status) {
  at('name').textContent = status.program || 'Sluice';
  document.title = (status.healthy ? '' : '✗ ') + (status.program || 'Sluice') + ' ' + (status.pipeline || '');
  at('where').textContent = [status.pipeline, status.group, status.version].filter(Boolean).join(' · ');
  state(status.state || 'starting', status.healthy ? 'good' : 'bad');
  at('reasons').replaceChildren(...status.reasons.map(reason => {
    const line = document.createElement('p');
    line.textContent = reason.id + ': ' + reason.message;
    return line;
  }));
  if (!status.throughput) return;
  const now = performance.now(), total = status.throughput.total;
  if (last && total >= last.total) keep(rates, (total - last.total) * 1000 / (now - last.now));
  last = {now, total};
  keep(lags, status.lag.seconds);
  at('rate-of').textContent = status.throughput.of;
  at('rate').textContent = rates.length ? shown(Math.round(rates[rates.length - 1])) : '–';
  at('lag').textContent = shown(Math.round(status.lag.seconds * 1000) / 1000);
  draw('rate-line', rates);
  draw('lag-line', lags);
  at('time').textContent = status.time;
  at('cards').replaceChildren(...Object.entries(status)
    .filter(([key, value]) => value && typeof value === 'object' && Object.keys(value).length &&
                              !['reasons', 'throughput'].includes(key))
    .map(([key, value]) => card(key, value)));
}
async function look() {
  try {
    show(await (await fetch('status', {cache: 'no-store'})).json());
  } catch {
    state('no answer', 'bad');
    document.title = '✗ Sluice';
  }
  setTimeout(look, EVERY);
}
look();
</script>
</body>
</html>
)html";

}  // namespace sluice::admin
