// The leaderboard: every configuration, sortable by any column, filtered by a query, with the columns that the
// reader selects; selected configurations show their training curves.

const PAGE_ROWS = 25;

function leaderboard() {
  const section = document.getElementById('leaderboard');
  if (!section) return;
  const shown = new Set(COLUMNS.filter((column) => column.isOn).map((column) => column.key));
  const order = { key: 'rank', isDown: false };
  let rows = PAGE_ROWS;

  const error = html('p', { class: 'error', id: 'query-error', role: 'alert' });
  const told = html('span', { class: 'told', role: 'status' });
  const input = html('input', {
    id: 'query',
    type: 'search',
    spellcheck: 'false',
    autocomplete: 'off',
    autocapitalize: 'none',
    placeholder: example(),
    'aria-describedby': 'query-error query-help',
    oninput: () => ask(),
  });
  const body = html('tbody', {});
  const head = html('tr', {});
  const more = html('button', { type: 'button', onclick: () => { rows += 4 * PAGE_ROWS; fill(); } });
  const help = html(
    'p',
    { class: 'note', id: 'query-help' },
    'Conditions separated by spaces must all hold: ',
    html('code', {}, example()),
    '. Operators are ', html('code', {}, '= != < <= > >='), ' and ', html('code', {}, '~'), ' (contains); ', html('code', {}, 'a|b'),
    ' matches either value; ', html('code', {}, 'not'), ' negates a condition, ', html('code', {}, 'or'),
    ' separates alternatives; a word alone is searched in settings, identifiers, kind, status, tags and notes. Figures that show all configurations follow the filter.',
  );
  const columnsBox = html('details', { class: 'columns' }, html('summary', {}, 'Columns'), html('div', {}, ...COLUMNS.map(box)));
  section.querySelector('.interactive').append(
    html('div', { class: 'tools' }, html('label', { for: 'query' }, 'Filter'), input, told, columnsBox),
    error,
    help,
    html('div', { class: 'wide' }, html('table', { class: 'board' }, html('thead', {}, head), body)),
    more,
    html('p', { class: 'note' }, 'A bar beside the rank marks configurations whose difference from the best is not significant at the 5% level. '
      + `Means are over ${RUNS_NAMED};`
      + ' configurations with the same mean on the same seeds share a rank, such as 1=. Selected configurations show their training curves below.'
      + (D.ensemble ? ` The ensemble row is ${D.ensemble.about}.` : '')
      + (D.zero ? ` The ${D.zero.name} row is a model that ignores its input: it ${D.zero.about}.` : '')),
  );
  section.classList.add('drawn');

  function box(column) {
    const tick = html('input', {
      type: 'checkbox',
      checked: shown.has(column.key),
      onchange: () => {
        if (tick.checked) shown.add(column.key);
        else shown.delete(column.key);
        fill();
      },
    });
    return html('label', {}, tick, ` ${column.head}`);
  }

  function ask() {
    input.removeAttribute('aria-invalid');
    error.replaceChildren();
    try {
      view.filter(input.value);
      rows = PAGE_ROWS;
    } catch (problem) {
      if (!(problem instanceof QueryError)) throw problem;
      input.setAttribute('aria-invalid', 'true');
      const letters = Array.from(input.value);
      const end = problem.at + problem.length;
      error.append(
        `${problem.message}: `,
        html('code', {}, letters.slice(0, problem.at).join(''), html('mark', {}, letters.slice(problem.at, end).join('') || '␣'),
          letters.slice(end).join('')),
      );
    }
  }

  function sort(column) {
    const isAgain = order.key === column.key;
    const isBestFirst = ['mean', 'max', 'min'].includes(column.key) && D.objective.max;
    order.isDown = isAgain ? !order.isDown : isBestFirst;
    order.key = column.key;
    fill();
    head.querySelector(`[data-key="${CSS.escape(column.key)}"]`)?.focus();
  }

  function sorted() {
    const { raw } = BY_KEY.get(order.key);
    const sign = order.isDown ? -1 : 1;
    const isMissing = (value) => value === null || value === undefined;
    return [...view.wanted].sort((a, b) => {
      const [x, y] = [raw(a), raw(b)];
      if (isMissing(x) || isMissing(y)) return isMissing(x) - isMissing(y) || a - b;
      const before = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y), 'en');
      return sign * before || a - b;
    });
  }

  function heading(column) {
    const isSorted = order.key === column.key;
    const arrow = isSorted ? (order.isDown ? ' ▾' : ' ▴') : '';
    const button = html('button', { type: 'button', 'data-key': column.key, onclick: () => sort(column) }, column.head + arrow);
    const way = isSorted ? (order.isDown ? 'descending' : 'ascending') : 'none';
    return html('th', { scope: 'col', class: column.isText ? 'text' : '', 'aria-sort': way }, button);
  }

  function fill() {
    const columns = COLUMNS.filter((column) => shown.has(column.key));
    head.replaceChildren(html('th', { scope: 'col' }, html('span', { class: 'unseen' }, 'Curves')), ...columns.map(heading));
    const found = sorted();
    const chosen = new Set(chosenForCurves());
    const candidates = new Set(D.configs.candidates);
    body.replaceChildren(...found.slice(0, rows).map((config) => {
      const tick = html('input', {
        type: 'checkbox',
        checked: chosen.has(config),
        'aria-label': `training curve of ${ranked(config)}`,
        onchange: () => {
          view.chosen ??= [...chosen];
          view.choose(config, tick.checked);
        },
      });
      const kind = D.configs.kind[config];
      const classes = `${candidates.has(config) ? 'candidate ' : ''}${kind > 0 ? 'baseline' : ''}`;
      const cells = columns.map((column) => {
        const shown = column.shown(config) || '–';
        const name = `${column.isText ? 'text' : ''}${column.key === 'name' ? ' mono' : ''}`;
        return html('td', { class: name, title: shown.length > 24 ? shown : null }, shown);
      });
      return html('tr', { class: classes }, html('td', {}, tick), ...cells);
    }));
    const lines = [D.ensemble, D.zero].filter(Boolean);
    const before = lines.map((line) => body.children[linePlace(found.slice(0, rows), line)] ?? null);
    lines.forEach((line, place) => body.insertBefore(lineRow(columns, line), before[place]));
    if (found.length === 0) {
      body.append(html('tr', {}, html('td', { class: 'text', colspan: columns.length + 1 }, 'No configuration matches the filter.')));
    }
    more.hidden = found.length <= rows;
    more.textContent = `Show more (${found.length.toLocaleString('en-US')} in total)`;
    told.textContent = found.length === CONFIGS ? count(CONFIGS, 'configuration')
      : `${found.length.toLocaleString('en-US')} of ${count(CONFIGS, 'configuration')}`;
  }

  /** What the ensemble scores, or a model that ignores its input. */
  function lineRow(columns, line) {
    const holder = ['kind', 'name'].map((key) => columns.find((column) => column.key === key)).find(Boolean) ?? columns[0];
    const cells = columns.map((column) => {
      const shown = column.key === 'mean' ? score(line.value) : column === holder ? line.name : '–';
      return html('td', { class: column.isText ? 'text' : '' }, shown);
    });
    return html('tr', { class: line === D.zero ? 'zero' : 'ensemble', title: line.about }, html('td', {}), ...cells);
  }

  /** How many of the `shown` rows stand before the `line`: in the order of the ranking or of the means, else all. */
  function linePlace(shown, line) {
    const isBestFirst = order.key === 'rank' ? !order.isDown : order.isDown === D.objective.max;
    if (!['rank', 'mean'].includes(order.key)) return shown.length;
    const isAbove = (config) => isBetter(D.configs.mean[config], line.value);
    const place = shown.findIndex((config) => isAbove(config) !== isBestFirst);
    return place < 0 ? shown.length : place;
  }

  /** A query that means something here. */
  function example() {
    const [first, second] = kindsHere().map(varying).find((settings) => settings.length > 0) ?? [];
    const part = (param, sign) => {
      const numbers = param.values.filter(isNumber);
      return sign === '<' && numbers.length > 1
        ? `${param.key}<${written(extent(numbers)[1])}`
        : `${param.key}=${quoted(param.shown[0])}`;
    };
    const parts = [first && part(first, '<'), second && part(second, '=')].filter(Boolean);
    return parts.length ? parts.join(' ') : `mean>${written(D.configs.mean[0])}`;
  }

  view.listeners.push(fill);
  // Other parts of the page put a query here.
  view.ask = (text) => {
    input.value = text;
    ask();
    input.scrollIntoView({ block: 'center' });
    input.focus();
  };
  fill();
}
