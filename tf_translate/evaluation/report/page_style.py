"""HTML template and CSS of the page; `page.render` substitutes the names after `$`."""

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
<header><h1>$title</h1><p>A good translation preserves the content of its input and belongs to
the target domain. Both are measured here on held-out images.</p></header>
$sections
<section>
<h2>Protocol $protocol_name</h2>
<div class="wide"><table class="plain">$metadata</table></div>
$protocols
</section>
</main>
</body>
</html>
"""

STYLE = """
:root { --ground: #fbfaf8; --card: #fff; --ink: #23211e; --faint: #6f6a63; --line: #e4e0d9;
  --own: #c2410c; --tint: #fff3ea; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #171614; --card: #211f1d; --ink: #ece8e1; --faint: #a09a91; --line: #3a3733;
    --own: #fb923c; --tint: #33241a; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 74rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.4rem; margin: 0 0 1rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
header p, section > p { color: var(--faint); max-width: 46rem; margin: 0 0 .75rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 1.5rem; margin-top: 1.5rem; }
.head { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: center; margin-bottom: 1rem; }
.head > div { flex: 1 1 20rem; max-width: 40rem; }
.lead { font-size: 1.25rem; margin: 0 0 .25rem; }
.lead strong { color: var(--own); font-size: 1.6rem; }
svg { width: 250px; flex: none; font-size: 10px; fill: var(--faint); overflow: visible; }
svg rect { fill: var(--ground); stroke: var(--line); }
.dot { fill: var(--faint); }
.dot.own { fill: var(--own); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem .75rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
.metrics { width: 100%; }
.metrics td, .metrics thead th { text-align: right; white-space: nowrap; }
.metrics thead th { font-size: .8rem; color: var(--faint); }
.metrics tr.own { background: var(--tint); }
.metrics tr.own th { color: var(--own); }
small { display: block; font-weight: normal; font-size: .75rem; color: var(--faint); }
.metrics tbody th { min-width: 11rem; }
.metrics tbody th small { max-width: 13rem; }
.plain { font-size: .9rem; }
.plain th { font-weight: 500; color: var(--faint); min-width: 11rem; max-width: 22rem; }
.meanings { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr));
  gap: .75rem 1.5rem; font-size: .85rem; margin: 1.25rem 0 0; }
.meanings dt { font-weight: 600; }
.meanings dd { margin: 0; color: var(--faint); }
.examples { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; padding: .6rem; border: 1px solid var(--line); border-radius: 10px; }
figure > div { display: flex; gap: .4rem; }
figure span { display: grid; justify-items: center; font-size: .75rem; color: var(--faint); }
img { width: 104px; height: auto; background: #fff; border-radius: 6px; display: block; }
figcaption { font-size: .75rem; color: var(--faint); margin-top: .35rem; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
@media (max-width: 30rem) { main { padding: 1.5rem .75rem; } section { padding: 1rem; }
  img { width: 84px; } }
"""
