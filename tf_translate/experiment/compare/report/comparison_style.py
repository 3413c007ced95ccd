"""HTML template and CSS of the page of a comparison, added to those of an evaluation's page."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<header><h1>$title</h1><p>A method is complete if its outputs keep the content of their inputs and
belong to the target domain. Both are measured here on held-out images, after training with equal
budgets.</p>
</header>
$tasks
</main>
</body>
</html>
"""

STYLE = """
section > p, .caption { color: var(--faint); max-width: 46rem; margin: 0 0 .75rem;
  font-size: .9rem; }
.formula { color: var(--ink); font-weight: 600; }
main > h2 { margin: 3rem 0 .25rem; }
section h2 { font-size: 1.2rem; }
table small { display: block; }
.survey { font-size: .9rem; width: 100%; }
.survey.told th[scope=row] { white-space: normal; }
.survey.told td:last-child { min-width: 14rem; }
.survey.told .words { min-width: 5rem; }
.survey th[scope=row] { white-space: nowrap; min-width: 7rem; }
.survey thead th { font-size: .8rem; color: var(--faint); vertical-align: bottom; }
.survey .words { min-width: 8rem; }
.survey thead th.value { white-space: normal; min-width: 5rem; }
.survey td.value, .survey th.value { text-align: right; white-space: nowrap; }
.survey tr.fixed th, .survey tr.fixed td { color: var(--faint); background: var(--ground); }
.survey td.strip { min-width: 9rem; width: 30%; padding-left: 1rem; }
svg.scatter { width: 100%; max-width: 30rem; flex: 1 1 20rem; font-size: 12px; }
svg.scatter .corner { fill: none; stroke: var(--faint); stroke-dasharray: 3 2; }
svg.scatter .level { fill: none; stroke: var(--line); }
svg.scatter .level-name, svg.scatter .tick { font-size: 10px; }
svg.scatter .seed { fill: var(--card); stroke: var(--own); opacity: .8; }
svg.scatter .method { fill: var(--own); }
svg.scatter .name { fill: var(--ink); }
svg.scatter rect.fixed { fill: var(--faint); stroke: none; }
svg.scatter .lead { stroke: var(--faint); opacity: .6; }
svg.interval { width: 100%; height: 14px; display: block; margin-top: .25rem; overflow: visible; }
svg.interval .axis { stroke: var(--line); stroke-width: 1; }
svg.interval .bar { stroke: var(--own); stroke-width: 3; opacity: .45; }
svg.interval .tick { stroke: var(--faint); stroke-width: 1.5; }
svg.interval .dot { fill: var(--own); }
.head { align-items: flex-start; }
.head > div.wide { max-width: none; flex: 1 1 24rem; min-width: 0; }
.wall { border-collapse: separate; border-spacing: 3px; }
.wall th, .wall td { border: 0; padding: 0; }
.wall thead th { font-size: .72rem; line-height: 1.15; font-weight: 600; color: var(--faint);
  text-align: center; vertical-align: bottom; padding-bottom: .3rem; max-width: 5rem;
  overflow-wrap: anywhere; }
.wall img { width: clamp(56px, 6.2vw, 80px); border-radius: 4px; image-rendering: auto; }
.wall .edge { padding-left: 10px; }
.wall tbody th { font-size: .8rem; text-align: left; padding-right: .6rem; min-width: 5.5rem;
  vertical-align: middle; }
.wall td.stack img { width: 56px; margin-bottom: 3px; }
.wall tr.method td, .wall tr.method th { padding-bottom: .9rem; }
.wall td.stack.edge { padding-left: 16px; }
.wall .pinned { position: sticky; left: 0; background: var(--card); z-index: 1; }
.matrix { font-size: .8rem; }
.matrix th, .matrix td { padding: .3rem .45rem; text-align: center; }
.matrix th[scope=row] { text-align: left; white-space: nowrap; position: sticky; left: 0;
  background: var(--card); }
.matrix td { color: var(--faint); }
.matrix td.real { color: var(--ink); font-weight: 700; background: var(--tint); }
details { margin-top: 1rem; }
summary { cursor: pointer; font-weight: 600; }
.plain td { overflow-wrap: anywhere; }
@media (max-width: 30rem) {
  .wall img { width: 60px; }
  .wall thead th { font-size: .62rem; }
  .survey th, .survey td { padding: .4rem .5rem; }
  .survey th[scope=row] { min-width: 5rem; white-space: normal; }
  .survey td.strip { min-width: 7rem; padding-left: .5rem; }
  .stacked, .stacked tbody { display: block; }
  .stacked thead { display: none; }
  .stacked tr { display: block; border-bottom: 1px solid var(--line); padding: .5rem .25rem; }
  .stacked th[scope=row] { display: block; border: 0; font-size: 1rem; padding: 0 0 .2rem; }
  .stacked th small { display: inline; margin-left: .5rem; }
  .stacked td, .stacked td.value { display: block; border: 0; padding: .1rem 0;
    text-align: left; white-space: normal; }
  .stacked td:empty { display: none; }
  .stacked td::before { content: attr(data-head); display: inline-block; width: 11rem;
    color: var(--faint); font-size: .8rem; }
  .stacked td.words::before { display: block; width: auto; }
  .stacked td small { display: inline; margin-left: .6rem; white-space: nowrap; }
  .plain th { min-width: 6.5rem; }
}
"""
