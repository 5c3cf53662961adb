"""The style sheet of sheets, light and dark; it loads nothing from elsewhere."""

STYLE = """
:root { color-scheme: light dark; --paper: #fbfbfa; --ink: #1c1d20; --soft: #62656d;
  --line: #dfe0e3; --card: #ffffff; --accent: #2257a8; }
@media (prefers-color-scheme: dark) { :root { --paper: #16171a; --ink: #e7e8ea; --soft: #9da1a9;
  --line: #303238; --card: #1f2126; --accent: #8db7f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1500px; padding: 1.5rem clamp(1rem, 3vw, 2.5rem) 4rem;
  background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: .4rem 0 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .7rem; }
p, small { color: var(--soft); margin: .2rem 0; max-width: 70ch; } a { color: var(--accent); }
nav { display: flex; gap: 1.4rem; } nav span { color: var(--soft); }
code { font-size: .92em; background: var(--card); border: 1px solid var(--line);
  border-radius: 4px; padding: 0 .3em; }
.tiles, .sheet { display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); align-items: start; }
.tiles { margin-top: 1.5rem; }
.tile { display: flex; flex-direction: column; gap: .15rem; padding: 10px; text-decoration: none;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tile:hover, .tile:focus-visible { border-color: var(--accent); }
.mosaic { display: grid; grid-template-columns: 1fr 1fr; gap: 4px; margin-bottom: .3rem; }
.mosaic img { width: 100%; aspect-ratio: 4 / 3; object-fit: cover; border-radius: 5px;
  background: #fff; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  overflow: hidden; }
figure img { display: block; width: 100%; height: 170px; object-fit: contain; background: #fff; }
.broken { display: grid; place-items: center; height: 170px; color: var(--soft); }
details.caption { padding: .45rem .7rem; font-size: .86rem; overflow-wrap: anywhere; }
details.caption > summary { color: var(--soft); cursor: pointer; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
figcaption { padding-top: .4rem; } figcaption summary { cursor: pointer; }
"""
