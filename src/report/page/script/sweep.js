// The sweep as the page holds it: configurations by rank, their runs, settings and metrics; and what the reader has
// chosen of them, which every figure follows.

const D = JSON.parse(document.getElementById('sweep').textContent);
const CONFIGS = D.configs.id.length;
const ALL = Array.from({ length: CONFIGS }, (_, place) => place);
const KINDS = D.kinds.map(([, label]) => label);
const MARKS = D.kinds.map(([, , mark]) => mark);
/** What each kind counts its steps in: `Epoch`, `Boosting round`, `Step`. */
const STEPS = D.kinds.map(([, , , step]) => step[0].toUpperCase() + step.slice(1));

/** Places of the runs of each configuration; they stand side by side. */
const RUNS = ALL.map(() => []);
D.runs.config.forEach((config, run) => RUNS[config].push(run));

/** Whether `a` is better than `b`. */
const isBetter = (a, b) => (D.objective.max ? a > b : a < b);
const mean = (numbers) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

/** A score or loss with four decimals; exponents where those would say nothing. */
function score(value) {
  if (!isNumber(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return value.toExponential(3);
  return value.toFixed(size >= 1e5 ? 0 : size >= 1e3 ? 1 : 4);
}

/** The fewest digits that tell numbers on an axis or of a setting apart. */
function short(value) {
  if (!isNumber(value)) return '–';
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(4));
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return rounded.toExponential().replace('e+', 'e');
  return size >= 1e3 ? rounded.toLocaleString('en-US') : String(rounded);
}

/** A number as a query writes it, in the digits by which it is found. */
const written = (value) => String(Number(value.toPrecision(4)));

function duration(seconds) {
  if (!isNumber(seconds)) return '–';
  const pad = (number) => String(number).padStart(2, '0');
  if (seconds < 0.9995 && seconds > 0) return `${short(Number((seconds * 1000).toPrecision(3)))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  if (whole >= 86400) return `${Math.floor(whole / 86400)} d ${pad(Math.floor((whole % 86400) / 3600))} h`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

const count = (number, noun) => `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;

/** Settings that vary among configurations of a kind. */
const varying = (kind) => D.params.filter((param) => param.varies.includes(kind));

/** The settings in which a configuration differs from others of its kind. */
function label(config) {
  const settings = varying(D.configs.kind[config]).filter((param) => param.at[config] >= 0);
  return settings.map((param) => `${param.key}=${param.shown[param.at[config]]}`).join(' ');
}

const title = (config) => `${KINDS[D.configs.kind[config]]} ${label(config)}`.trim();

/** The rank of a configuration: `3`, or `1=` where others share it. */
function rankLabel(config) {
  const { rank } = D.configs;
  const isShared = [config - 1, config + 1].some((other) => rank[other] === rank[config]);
  return rank[config].toLocaleString('en-US') + (isShared ? '=' : '');
}

const ranked = (config) => `#${rankLabel(config)} ${title(config)}`;

/**
 * Every column that the leaderboard can show, sort by and be asked for: `raw(config)` is what is compared, `shown`
 * what is read. `isOn` at first.
 */
const COLUMNS = columns();

function columns() {
  const c = D.configs;
  const text = (key, head, raw, more) => ({ key, head, raw, shown: raw, isText: true, ...more });
  const number = (key, head, raw, shown, more) => ({ key, head, raw, shown: (i) => shown(raw(i)), ...more });
  const whole = (value) => (isNumber(value) ? value.toLocaleString('en-US') : '–');
  const found = [
    number('rank', 'Rank', (i) => c.rank[i], whole, { isOn: true, isWhole: true, shown: rankLabel }),
    text('kind', 'Kind', (i) => KINDS[c.kind[i]], {
      isOn: new Set(c.kind).size > 1,
      values: (i) => D.kinds[c.kind[i]].slice(0, 3),
    }),
  ];
  const settings = D.params.map((param) => {
    const isPlain = param.values.every((value) => typeof value === 'number');
    return {
      key: param.key,
      head: param.key,
      raw: (i) => (param.at[i] < 0 ? null : isPlain ? param.values[param.at[i]] : param.shown[param.at[i]]),
      shown: (i) => (param.at[i] < 0 ? '–' : param.shown[param.at[i]]),
      isText: !isPlain,
      isWhole: param.whole,
      isOn: param.varies.length > 0,
      isSetting: true,
    };
  });
  const spread = (key) => (i) => c[key][i];
  found.push(
    number('mean', 'Mean', spread('mean'), score, { isOn: true }),
    {
      key: 'interval',
      head: '95% CI',
      raw: (i) => (isNumber(c.low[i]) ? c.high[i] - c.low[i] : null),
      shown: (i) => (isNumber(c.low[i]) ? `${score(c.low[i])} to ${score(c.high[i])}` : '–'),
      isOn: c.low.some(isNumber),
      isWide: true,
    },
    ...settings.filter((setting) => setting.isOn),
    number('sd', 'sd', spread('sd'), score, {}),
    number('min', 'Min', spread('min'), score, {}),
    number('max', 'Max', spread('max'), score, {}),
  );
  // Metrics of a split: others, such as the learning rate of a step, bear names of settings.
  for (const [metric, values] of Object.entries(D.metrics)) {
    if (metric === D.objective.name || !metric.includes('/')) continue;
    const raw = (i) => {
      const numbers = RUNS[i].map((run) => values[run]).filter(isNumber);
      return numbers.length ? mean(numbers) : null;
    };
    const isLoss = metric === 'valid/loss' || metric === 'valid/calibrated_loss';
    found.push(number(metric, metric, raw, score, { isOn: isLoss && 'valid/calibrated_loss' in D.metrics }));
  }
  found.push(
    number('seeds', 'Seeds', (i) => new Set(RUNS[i].map((run) => D.runs.seed[run])).size, whole, { isWhole: true }),
    number('parameters', 'Parameters', spread('parameters'), whole, { isOn: true, isWhole: true }),
    number('seconds', 'Time per trial', spread('seconds'), duration, { isOn: true }),
    number('diverged', 'Diverged', spread('diverged'), whole, { isOn: c.diverged.some(Boolean), isWhole: true }),
    number('failed', 'Failed', spread('failed'), whole, { isOn: c.failed.some(Boolean), isWhole: true }),
    text('tag', 'Tags', (i) => (D.tags[i] ?? []).join(' '), {
      isOn: Object.keys(D.tags).length > 0,
      values: (i) => D.tags[i] ?? [],
    }),
    text('name', 'Config', (i) => c.id[i], { isOn: true }),
    ...settings.filter((setting) => !setting.isOn),
  );
  return found;
}

/** Keys that queries have besides settings and metrics, here as in `sweep ls`, `report` and `export`. */
const VOCABULARY = ['trial', 'config', 'name', 'kind', 'seed', 'fold', 'status', 'in_plan', 'best', 'best_step', 'last', 'steps',
  'seconds', 'parameters', 'cause', 'tag', 'message', 'rank', 'mean', 'sd', 'min', 'max', 'seeds', 'failed', 'diverged'];

/** Keys that a query may use. */
const KEYS = [...new Set([...COLUMNS.map((column) => column.key).filter((key) => key !== 'interval'), D.objective.name, ...VOCABULARY])];

const BY_KEY = new Map(COLUMNS.map((column) => [column.key, column]));

/** What a configuration's trials have under `key`, where that is no column of the leaderboard; else `undefined`. */
function ofTrials(config, key) {
  const runs = RUNS[config];
  const detail = D.details[config] ?? {};
  const texts = (values) => values.map((value) => ({ raw: value, shown: value }));
  const numbers = (values, isWhole) =>
    runs.map((run) => values[run]).filter(isNumber).map((raw) => ({ raw, shown: String(raw), isWhole }));
  switch (key) {
    case 'trial': return texts(runs.map((run) => D.runs.trial[run]));
    case 'config': return texts([D.configs.id[config]]);
    case 'seed': return numbers(D.runs.seed, true);
    case 'fold': return numbers(D.runs.fold, true);
    case 'status': return texts(detail.status ?? ['finished']);
    // What earlier files asked for is not on the page.
    case 'in_plan': return texts(['true']);
    case 'best': return numbers(D.runs.value, false);
    case 'best_step': return numbers(D.runs.step, true);
    case 'last': return numbers(D.runs.last, false);
    case 'steps': return numbers(D.runs.steps, true);
    case 'cause': return texts(detail.cause ?? []);
    case 'message': return texts(detail.message ?? []);
    default: return undefined;
  }
}

/** A configuration as a query sees it. */
function rowOf(config) {
  const detail = D.details[config] ?? { status: ['finished'], message: [], notes: [] };
  const settings = D.params.filter((param) => param.at[config] >= 0);
  return {
    text: () =>
      [
        ranked(config),
        ...D.kinds[D.configs.kind[config]].slice(0, 3),
        ...settings.map((param) => `${param.key}=${param.shown[param.at[config]]}`),
        D.configs.id[config],
        ...RUNS[config].map((run) => D.runs.trial[run]),
        ...(D.tags[config] ?? []),
        ...detail.status,
        ...detail.message,
        ...detail.notes,
      ].join(' '),
    values(key) {
      const found = ofTrials(config, key);
      if (found) return found;
      const column = BY_KEY.get(key) ?? BY_KEY.get('mean');
      if (column.values) return column.values(config).map((value) => ({ raw: value, shown: value }));
      const raw = column.raw(config);
      if (raw === null || raw === undefined) return [];
      const shown = column.isSetting ? column.shown(config) : String(raw);
      return [{ raw, shown, isWhole: column.isWhole && Number.isInteger(raw) }];
    },
  };
}

/** `value` as a query writes it. */
function quoted(value) {
  const isPlain = /^[^\s|"]+$/u.test(value) || /^\[[^"|]*\]$/u.test(value);
  return isPlain ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`;
}

/** What the reader has chosen; whoever draws asks to be told of changes. */
const view = {
  wanted: ALL,
  isWanted: ALL.map(() => true),
  /** Configurations whose curves are shown; `null` until the reader chooses. */
  chosen: null,
  listeners: [],

  /** Throws a QueryError, and leaves all as it was. */
  filter(text) {
    const query = parseQuery(text);
    checkQuery(query, KEYS);
    this.isWanted = ALL.map((config) => queryHolds(query, rowOf(config)));
    this.wanted = ALL.filter((config) => this.isWanted[config]);
    this.tell('filter');
  },

  choose(config, isChosen) {
    const others = (this.chosen ?? []).filter((other) => other !== config);
    this.chosen = isChosen ? [...others, config].sort((a, b) => a - b) : others;
    this.tell('choice');
  },

  tell(what) {
    for (const listener of this.listeners) listener(what);
  },
};
