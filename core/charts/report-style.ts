/** The look of a report: dark on light, readable on a telephone and on paper. */
export const REPORT_STYLE = `
:root { --ink: #1b1f24; --grey: #57606a; --line: #d0d7de; --pale: #f6f8fa; --good: #1a7f37; --bad: #b42318; --accent: #0072b2; }
* { box-sizing: border-box; }
html { color-scheme: light; }
body { margin: 0; background: #fff; color: var(--ink); font: 16px/1.5 "DejaVu Sans", Verdana, system-ui, sans-serif; overflow-wrap: break-word; }
header, main { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
.kind { margin: 0; color: var(--grey); font-size: 13px; }
h1 { margin: 4px 0 8px; font-size: clamp(22px, 4vw, 30px); line-height: 1.2; }
h2 { margin: 36px 0 10px; font-size: 19px; }
.question { margin: 0 0 18px; color: var(--grey); font-size: 18px; }
.answer { margin-bottom: 20px; border-left: 4px solid var(--accent); background: var(--pale); padding: 12px 18px; border-radius: 0 6px 6px 0; }
.answer h2 { margin: 0 0 4px; font-size: 14px; color: var(--grey); font-weight: normal; }
.answer p { margin: 6px 0; }
nav { margin-bottom: 20px; font-size: 13px; line-height: 1.8; }
nav a { color: var(--accent); margin-right: 14px; white-space: nowrap; }
.small { color: var(--grey); font-size: 13px; }
.scroll { overflow: auto; max-width: 100%; }
figure { margin: 0 0 28px; border: 1px solid var(--line); border-radius: 6px; padding: 8px; }
section > .scroll, details > .scroll { max-height: 70vh; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: separate; border-spacing: 0; font-size: 13px; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { padding: 5px 10px; text-align: left; vertical-align: top; border-bottom: 1px solid #eaeef2; white-space: nowrap; }
td:last-child:not(.number), td.text, .plain td { white-space: normal; min-width: 12em; overflow-wrap: anywhere; }
.plain td:first-child, .plain td:last-child { min-width: 0; }
thead th { position: sticky; top: 0; background: var(--pale); border-bottom: 1px solid var(--line); z-index: 1; }
th.number, td.number { text-align: right; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
tbody tr:hover { background: #f0f6fb; }
tr.holds strong { color: var(--good); }
tr.fails strong { color: var(--bad); }
code, pre { font: 13px/1.45 "DejaVu Sans Mono", ui-monospace, monospace; }
pre { overflow: auto; background: var(--pale); padding: 12px; border-radius: 6px; }
details { margin-top: 12px; }
summary { cursor: pointer; color: var(--accent); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 18px; font-size: 13px; }
dt { color: var(--grey); }
dd { margin: 0; overflow-wrap: anywhere; }
main { padding-bottom: 60px; }
@media (max-width: 600px) { header, main { padding-left: 12px; padding-right: 12px; } dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; } }
@media print {
  body { font-size: 11pt; }
  .scroll, section > .scroll, details > .scroll { overflow: visible; max-height: none; border: 0; }
  table { font-size: 7.5pt; }
  th, td { white-space: normal; padding: 2px 4px; }
  thead th { position: static; }
  figure, tr { break-inside: avoid; }
  .vega-embed summary { display: none; }
}
`;
