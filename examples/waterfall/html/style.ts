/** Light, and dark for those who prefer it. No text stands on a bar: the colours of bars need to stand out from the page only. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1b1f27; --soft: #596273; --line: #e1e4ea; --shade: #f0f2f5;
  --request: #8791a3; --getconn: #9aa3b2; --dns: #0891a8; --connect: #d97a06; --tls: #b02ccc;
  --send: #6b8f12; --wait: #3b6fe0; --receive: #0d9468; --bad: #d3222a; --good: #0b7a55; --fair: #9a5b00;
  --focus: #1d5fd6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101217; --card: #191c23; --ink: #e7e9ee; --soft: #a2aab8; --line: #2b303a; --shade: #22262f;
    --request: #7c8698; --getconn: #8d97a8; --dns: #2cc0d6; --connect: #f2a33c; --tls: #d977ea;
    --send: #a5cc47; --wait: #7ba6ff; --receive: #3ccb97; --bad: #ff6f6f; --good: #4fd1a1; --fair: #f0b35a;
    --focus: #8db4ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 76rem; padding: 1.5rem clamp(.75rem, 3vw, 2rem) 3rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif;
}
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.05rem; line-height: 1.3; margin: 0; overflow-wrap: anywhere; }
p { margin: 0; }
header > p, .note, footer { color: var(--soft); }
footer { margin-top: 2rem; font-size: .85rem; }
ol, ul, dl { margin: 0; padding: 0; list-style: none; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.25rem; margin: 1rem 0 1.5rem; font-size: .85rem; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: .45rem; }
.legend b { color: var(--ink); font-weight: 600; }
.legend .bar { position: static; flex: none; width: 1.4rem; }
.legend .mark { position: static; transform: rotate(45deg); margin: 0 .3rem; flex: none; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem clamp(.75rem, 2vw, 1.25rem); margin-bottom: 1rem; min-width: 0; }
.compared { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); margin-bottom: 1rem; }
.compared section { margin: 0; }
figure { margin: .9rem 0 0; }
figure + figure { margin-top: 1.4rem; }
figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: .15rem .6rem; font-size: .92rem; }
.method { font-weight: 700; }
.url { flex: 1 1 12rem; min-width: 0; overflow-wrap: anywhere; }
.outcome { font-weight: 650; overflow-wrap: anywhere; }
.outcome.good { color: var(--good); } .outcome.refused { color: var(--fair); }
.outcome.failed, .problem, .time.failed { color: var(--bad); }
.total, .time, .tick { font-variant-numeric: tabular-nums; }
.waterfall { --name: 8.2rem; --time: 5.2rem; position: relative; margin-top: .5rem; padding-top: 1.25rem; }
.axis { position: absolute; inset: 0 var(--time) 0 var(--name); pointer-events: none; }
.tick { position: absolute; top: 0; bottom: 0; border-left: 1px solid var(--line); }
.tick span { position: absolute; top: -.1rem; left: .3rem; font-size: .72rem; color: var(--soft); white-space: nowrap; }
.tick.late span { left: auto; right: .3rem; }
.row { position: relative; display: grid; grid-template-columns: var(--name) minmax(0, 1fr) var(--time); align-items: center; min-height: 1.6rem; padding: 0 .25rem; margin: 0 -.25rem; border-radius: .35rem; cursor: default; }
.row:hover, .row:focus { background: color-mix(in srgb, var(--wait) 11%, transparent); }
.row:focus-visible { outline: 2px solid var(--focus); outline-offset: -1px; }
.row:focus:not(:focus-visible) { outline: none; }
.name { padding-left: calc(var(--depth) * .8rem); font-size: .86rem; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.time { text-align: right; font-size: .86rem; white-space: nowrap; }
.track { position: relative; height: 1rem; }
.bar { position: absolute; height: .8rem; top: .1rem; min-width: 3px; border-radius: 3px; background: var(--request); }
.bar.around { height: .3rem; top: .35rem; }
.bar.getconn { background: var(--getconn); } .bar.dns { background: var(--dns); } .bar.connect { background: var(--connect); }
.bar.tls { background: var(--tls); } .bar.send { background: var(--send); } .bar.wait { background: var(--wait); } .bar.receive { background: var(--receive); }
.bar.failed { background: repeating-linear-gradient(135deg, var(--bad) 0 5px, color-mix(in srgb, var(--bad) 55%, var(--card)) 5px 8px); }
.mark { position: absolute; top: .3rem; width: .42rem; height: .42rem; margin-left: -.21rem; transform: rotate(45deg); background: var(--card); border: 1.5px solid var(--ink); }
.problem, .recovery { font-size: .88rem; margin-top: .35rem; overflow-wrap: anywhere; }
.recovery { color: var(--fair); }
.facts { display: flex; flex-wrap: wrap; gap: .35rem; margin-top: .6rem; font-size: .8rem; color: var(--soft); }
.facts li { background: var(--shade); border-radius: 1rem; padding: .1rem .65rem; }
.tip { position: absolute; z-index: 2; top: calc(100% + .2rem); left: 12%; width: min(34rem, 88%); padding: .65rem .85rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; box-shadow: 0 8px 28px rgb(0 0 0 / .22); font-size: .82rem; visibility: hidden; opacity: 0; transition: opacity .12s; pointer-events: none; }
.row:hover > .tip, .row:focus > .tip { visibility: visible; opacity: 1; }
.row:focus > .tip { pointer-events: auto; cursor: text; }
.rows:hover .row:focus:not(:hover) > .tip, .quiet .tip.tip { visibility: hidden; opacity: 0; }
.tip dl { margin-top: .35rem; }
.tip dl > div { display: grid; grid-template-columns: minmax(0, 13fr) minmax(0, 15fr); gap: 0 .75rem; padding: .1rem 0; }
.tip dl > div + div { border-top: 1px solid var(--line); }
.tip dt { color: var(--soft); overflow-wrap: anywhere; }
.tip dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .95em; }
.tip .event dt::before { content: "◆ "; font-size: .8em; }
@media (max-width: 34rem) {
  .waterfall { --name: 0rem; --time: 0rem; }
  .url { order: 3; flex-basis: 100%; }
  .outcome { margin-left: auto; }
  .row { grid-template-columns: 1fr auto; row-gap: 0; padding-top: .15rem; }
  .track { grid-column: 1 / -1; grid-row: 2; }
  .tip { left: 0; width: 100%; }
  .tip dl > div { grid-template-columns: 1fr; }
}
@media (prefers-reduced-motion: reduce) { .tip { transition: none; } }
@media (forced-colors: active) { .bar, .mark { forced-color-adjust: none; } }
@media print { body { background: none; } section { break-inside: avoid; } }
`;
