// Figures of settings: marginal effects, hyperparameter importance, interactions.

// Marginal effects of settings, one at a time and in pairs, among the configurations of one kind.

let effectKind = null;
const kindsWithAxes = () => kindsHere().filter((kind) => varying(kind).length > 0);

/**
 * Values of a setting that occur, in order, with the configurations that have them. More than `LEVELS` numbers are put
 * together in eighths; of more than `LEVELS` words the most frequent stay.
 */
const LEVELS = 12;

function levels(param, configs) {
  const all = everyLevel(param, configs);
  if (all.length <= LEVELS) return all;
  if (!all.every((level) => isNumber(level.value))) {
    return [...all].sort((a, b) => b.configs.length - a.configs.length).slice(0, LEVELS);
  }
  const total = all.reduce((sum, level) => sum + level.configs.length, 0);
  const bins = [];
  let seen = 0;
  for (const level of all) {
    const place = Math.min(7, Math.floor((8 * seen) / total));
    bins[place] ??= { from: level, configs: [] };
    bins[place].to = level;
    bins[place].configs.push(...level.configs);
    seen += level.configs.length;
  }
  return bins.filter(Boolean).map(({ from, to, configs: of }) => ({ name: from === to ? from.name : `${from.name} – ${to.name}`, configs: of.sort((a, b) => a - b) }));
}

function everyLevel(param, configs) {
  const groups = new Map();
  for (const config of configs) {
    const at = param.at[config];
    if (at < 0) continue;
    if (!groups.has(at)) groups.set(at, []);
    groups.get(at).push(config);
  }
  const numeric = [...groups.keys()].every((at) => isNumber(param.values[at]));
  return [...groups].sort(([a], [b]) => (numeric ? param.values[a] - param.values[b] : a - b))
    .map(([at, of]) => ({ value: param.values[at], name: param.shown[at], configs: of }));
}

const wantedOf = (kind) => view.wanted.filter((i) => D.configs.kind[i] === kind);

function effects(host, width, redraw) {
  const kinds = kindsWithAxes();
  if (!kinds.includes(effectKind)) effectKind = kinds[0] ?? null;
  const configs = effectKind === null ? [] : wantedOf(effectKind);
  const tools = kinds.length > 1
    ? html('div', { class: 'tools' }, choice('Kind', kinds.map((kind) => [kind, KINDS[kind]]), effectKind, (kind) => { effectKind = Number(kind); view.tell('kind'); }))
    : null;
  if (tools) host.append(tools);
  const params = effectKind === null ? [] : varying(effectKind);
  if (configs.length === 0 || params.length === 0) {
    host.append(html('p', { class: 'note' }, 'No configuration matches the filter.'));
    return;
  }
  const y = linear(configs.map((i) => D.configs.mean[i]), 190, 12);
  const grid = html('div', { class: 'panels' });
  let hasInterval = false;
  for (const param of params) {
    const groups = levels(param, configs);
    const panel = Math.min(width, Math.max(280, 84 + (groups.some((group) => group.name.length > 12) ? 120 : 74) * groups.length));
    const box = [58, 12, panel - 8, 190];
    const drawing = canvas(panel, 224, `Effect of ${param.key}`);
    const step = (box[2] - box[0]) / groups.length;
    const x = Object.assign((place) => box[0] + (place + 0.5) * step, { ticks: () => [], format: String });
    axes(drawing, { box, x, y, xName: '', yName: '', yTicks: 5 });
    const points = [];
    const intervals = intervalsOf(param, groups);
    groups.forEach((group, place) => {
      const d = group.configs.map((i) => markPath('disc', x(place) + jitter(i) * Math.min(step * 0.5, 40), y(D.configs.mean[i]), group.configs.length > 60 ? 1.8 : 3)).join('');
      drawing.append(svg('path', { class: `mark many k${effectKind}`, d }));
      const middle = mean(group.configs.map((i) => D.configs.mean[i]));
      const best = group.configs.reduce((a, b) => (isBetter(D.configs.mean[b], D.configs.mean[a]) ? b : a));
      drawing.append(svg('line', { class: 'mean', x1: x(place) - step * 0.32, x2: x(place) + step * 0.32, y1: y(middle), y2: y(middle) }));
      drawing.append(svg('text', { x: x(place), y: box[3] + 18, 'text-anchor': 'middle' }, cut(group.name, step - 4)));
      const [low, high] = intervals?.[place] ?? [null, null];
      if (isNumber(low)) {
        hasInterval = true;
        drawing.append(svg('line', { class: 'mean', x1: x(place), x2: x(place), y1: y(low), y2: y(high) }));
      }
      points.push({
        x: x(place),
        y: y(middle),
        lines: [`${param.key}=${group.name}`, `mean ${score(middle)} over ${count(group.configs.length, 'configuration')}`,
          ...(isNumber(low) ? [`95% CI over seeds ${score(low)} to ${score(high)}`] : []), `best ${score(D.configs.mean[best])}: ${ranked(best)}`],
      });
    });
    hover(drawing, points, { reach: 60 });
    grid.append(html('figure', {}, html('figcaption', { class: 'head' }, param.key), drawing));
  }
  host.append(grid, legend([[`k${effectKind}`, 'one configuration', 'disc'], ['mean', hasInterval ? 'mean of the configurations, 95% confidence interval over seeds' : 'mean of the configurations']]),
    html('p', { class: 'note' }, `${D.objective.label}. Each panel averages over all other settings and follows the filter. In a full grid, the means within a panel differ only by its setting.`));
}

/** Intervals of the marginal means, where the analysis of variance has them and nothing is filtered out. */
function intervalsOf(param, groups) {
  if (effectKind !== 0 || view.wanted.length < CONFIGS || !D.anova) return null;
  const factor = D.anova.factors.find((one) => one.name === param.key);
  if (!factor || factor.levels.length !== groups.length) return null;
  return groups.map((group) => {
    const level = factor.levels.find((one) => one.name === group.name);
    return level ? [level.low, level.high] : null;
  });
}

// Hyperparameter importance: shares of the variance between configurations.

const SHARES = 15;

function importance(host, width) {
  const shares = D.anova.shares.filter(({ share }) => share >= 0.0005).slice(0, SHARES);
  if (shares.length === 0) throw new Error('nothing to draw');
  const [row, left, right] = [26, Math.min(260, width * 0.42), width - 60];
  const top = Math.max(...shares.map(({ share, chance }) => Math.max(share, chance ?? 0)));
  const x = (share) => left + (share / top) * (right - left);
  const drawing = canvas(width, shares.length * row + 6, 'Hyperparameter importance: share of the variance that each setting explains');
  const points = [];
  let hasChance = false;
  shares.forEach(({ name, share, chance, p, isPair }, place) => {
    const y = place * row;
    drawing.append(
      svg('text', { x: left - 8, y: y + 17, 'text-anchor': 'end' }, cut(name, left - 10)),
      svg('rect', { class: `bar ${isPair ? 's4' : 's0'}`, x: left, y: y + 4, width: Math.max(0.5, x(share) - left), height: row - 8 }),
      svg('text', { x: x(share) + 6, y: y + 17 }, `${(100 * share).toFixed(1)}%`),
    );
    if (isNumber(chance)) {
      hasChance = true;
      drawing.append(svg('line', { class: 'mean', x1: x(chance), x2: x(chance), y1: y + 2, y2: y + row - 2 }));
    }
    points.push({ x: x(share), y: y + row / 2, lines: [name, `${(100 * share).toFixed(2)}% of the variance`,
      ...(isNumber(chance) ? [`${(100 * chance).toFixed(2)}% expected from seed noise`] : []), ...(isNumber(p) ? [p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`] : [])] });
  });
  hover(drawing, points, { reach: 400 });
  const signs = [['bar s0', 'main effect of one setting', 'square']];
  if (shares.some(({ isPair }) => isPair)) signs.push(['bar s4', 'interaction of two settings', 'square']);
  if (hasChance) signs.push(['mean', 'expected from seed noise alone']);
  host.append(drawing, legend(signs));
}

let pair = [null, null];

function interactions(host, width, redraw) {
  const kinds = kindsWithAxes().filter((kind) => varying(kind).length > 1);
  const kind = kinds.includes(effectKind) ? effectKind : kinds[0];
  if (kind === undefined) {
    host.append(html('p', { class: 'note' }, 'Fewer than two settings vary.'));
    return;
  }
  const params = varying(kind);
  const keys = params.map((param) => param.key);
  if (!pair.every((key) => keys.includes(key))) pair = [keys[0], keys[1]];
  const [down, across] = pair.map((key) => params.find((param) => param.key === key));
  const options = keys.map((key) => [key, key]);
  host.append(html('div', { class: 'tools' },
    choice('Rows', options, pair[0], (key) => { pair = [key, key === pair[1] ? pair[0] : pair[1]]; redraw(); }),
    choice('Columns', options, pair[1], (key) => { pair = [key === pair[0] ? pair[1] : pair[0], key]; redraw(); })));
  const configs = wantedOf(kind);
  const [rows, cells] = [levels(down, configs), levels(across, configs)];
  const inCell = new Map(cells.flatMap((cell) => cell.configs.map((i) => [i, cell])));
  const means = rows.map((row) => cells.map((cell) => {
    const both = row.configs.filter((i) => inCell.get(i) === cell);
    return both.length ? { mean: mean(both.map((i) => D.configs.mean[i])), n: both.length } : null;
  }));
  const seen = means.flat().filter(Boolean).map((cell) => cell.mean);
  const [low, high] = extent(seen);
  const share = (value) => (high > low ? (D.objective.max ? value - low : high - value) / (high - low) : 0.5);
  const head = html('tr', {}, html('th', { class: 'text' }, `${down.key} ↓ ${across.key} →`), ...cells.map((cell) => html('th', { scope: 'col' }, cell.name)));
  const body = rows.map((row, r) => html('tr', {}, html('th', { scope: 'row', class: 'text' }, row.name), ...means[r].map((cell) => (cell
    ? html('td', { class: 'heat', style: `--t:${share(cell.mean).toFixed(3)}`, title: count(cell.n, 'configuration') }, score(cell.mean))
    : html('td', {}, '–')))));
  host.append(html('div', { class: 'wide' }, html('table', { class: 'cells' }, html('thead', {}, head), html('tbody', {}, ...body))),
    html('p', { class: 'note' }, `Mean ${D.objective.label} of the configurations with both values, averaged over all other settings; darker is better. `
      + 'If all rows follow the same pattern, the two settings do not interact.'));
}
