// Parallel coordinates: one line per configuration. The brush can become a query.

const brush = new Map();
let parallelKind = null;
const ORDINAL = 12;
const SHADES = 8;

/** Settings of a kind as axes, the objective last. */
function parallelAxes(configs, kind, top, bottom) {
  // Where a configuration lacks a setting, its line runs below the axis.
  const missing = bottom + 14;
  const settings = varying(kind).map((param) => {
    const used = [...new Set(configs.map((i) => param.at[i]).filter((at) => at >= 0))];
    const numeric = used.every((at) => isNumber(param.values[at]));
    used.sort((a, b) => (numeric ? param.values[a] - param.values[b] : a - b));
    if (!numeric || used.length <= ORDINAL) {
      const step = (bottom - top) / Math.max(1, used.length);
      const at = (place) => (place < 0 ? missing : bottom - (used.indexOf(place) + 0.5) * step);
      return { key: param.key, isOrdinal: true, step, used, param, at: (i) => at(param.at[i]), place: (i) => param.at[i], spot: at };
    }
    const scale = fitting(used.map((at) => param.values[at]), bottom, top);
    const raw = (i) => param.values[param.at[i]];
    return { key: param.key, scale, raw, at: (i) => (param.at[i] < 0 ? missing : scale(raw(i))) };
  });
  const scale = linear(configs.map((i) => D.configs.mean[i]), bottom, top);
  return [...settings, { key: 'mean', isObjective: true, scale, raw: (i) => D.configs.mean[i], at: (i) => scale(D.configs.mean[i]) }];
}

const inBrush = (axis, config) => {
  const range = brush.get(axis.key);
  if (!range) return true;
  if (axis.isOrdinal) return range.has(axis.place(config));
  const raw = axis.raw(config);
  return raw >= range[0] && raw <= range[1];
};

function brushQuery(shown) {
  const parts = [];
  for (const axis of shown) {
    const range = brush.get(axis.key);
    if (!range) continue;
    if (axis.isOrdinal) parts.push(`${axis.key}=${[...range].map((at) => quoted(axis.param.shown[at])).join('|')}`);
    else parts.push(`${axis.key}>=${written(range[0])} ${axis.key}<=${written(range[1])}`);
  }
  return parts.join(' ');
}

/** A number between -1/2 and 1/2 that depends on the configuration alone, so that equal lines lie side by side. */
const jitter = (config) => (((config * 0.61803398875) % 1) - 0.5);

function parallel(host, width, redraw) {
  const kinds = kindsHere().filter((kind) => varying(kind).length > 0);
  if (!kinds.includes(parallelKind)) parallelKind = kinds[0];
  const configs = ALL.filter((i) => D.configs.kind[i] === parallelKind);
  const [top, bottom, height] = [44, 344, 372];
  const shown = parallelAxes(configs, parallelKind, top, bottom);
  const [left, right] = [64, 64];
  // On a narrow screen the axes keep their distance, and the figure is scrolled.
  const total = Math.max(width, left + right + (shown.length - 1) * 96);
  const x = (place) => left + (place / Math.max(1, shown.length - 1)) * (total - left - right);
  const dense = configs.length > 500 ? ' dense' : '';
  const drawing = canvas(total, height, 'Parallel coordinates: one line per configuration through its settings and its score');
  drawing.setAttribute('role', 'group');
  const lines = svg('g', {});
  drawing.append(lines);
  const text = html('code', { class: 'brushed' });
  const use = html('button', { type: 'button', onclick: () => view.ask(brushQuery(shown)) }, 'Apply as filter');
  const clear = html('button', { type: 'button', onclick: () => { brush.clear(); redraw(); } }, 'Clear');
  const height01 = new Map(shown.map((axis) => [axis.key, (i) => {
    if (!axis.isOrdinal || axis.place(i) < 0) return axis.at(i);
    return axis.at(i) + jitter(i) * Math.min(axis.step * 0.5, 40);
  }]));

  function drawLines() {
    const inside = configs.filter((i) => view.isWanted[i] && shown.every((axis) => inBrush(axis, i)));
    const isInside = new Set(inside);
    const path = (i) => linePath(shown.map((axis, place) => [x(place), height01.get(axis.key)(i)]));
    const outside = configs.filter((i) => !isInside.has(i));
    lines.replaceChildren(svg('path', { class: `thread out${dense}`, d: outside.map(path).join('') }));
    // Ranks go from best to worst: shades by place, the best on top.
    for (let shade = 0; shade < SHADES; shade += 1) {
      const from = Math.floor((configs.length * (SHADES - 1 - shade)) / SHADES);
      const to = Math.floor((configs.length * (SHADES - shade)) / SHADES);
      const part = configs.slice(from, to).filter((i) => isInside.has(i));
      lines.append(svg('path', { class: `thread${dense}`, style: `--t:${shade / (SHADES - 1)}`, d: part.map(path).join('') }));
    }
    const query = brushQuery(shown);
    text.textContent = query || 'none';
    use.disabled = clear.disabled = query === '';
    told.textContent = `${inside.length.toLocaleString('en-US')} of ${count(configs.length, 'configuration')}`
      + (inside.length ? `, best ${score(D.configs.mean[inside[0]])}` : '');
  }
  const told = html('span', { class: 'told', role: 'status' });

  shown.forEach((axis, place) => drawing.append(axisOf(axis, x(place), { top, bottom, drawLines, drawing, redraw, reach: (total - left - right) / Math.max(1, shown.length - 1) })));
  host.append(
    html('div', { class: 'tools' },
      kinds.length > 1 ? choice('Kind', kinds.map((kind) => [kind, KINDS[kind]]), parallelKind, (kind) => {
        parallelKind = Number(kind);
        brush.clear();
        redraw();
      }) : null,
      told),
    html('div', { class: 'wide', tabindex: total > width ? '0' : null }, drawing),
    html('p', { class: 'tools' }, html('span', {}, 'Brush: '), text, use, clear),
    html('p', { class: 'note' }, 'Drag along an axis, or click its values, to select the lines that pass there. With the keyboard: Tab to a value and press '
      + 'Enter; on a numeric axis the arrow keys move the two ends. Darker lines rank higher; lines through the same value are drawn side by side.'),
  );
  drawLines();
}

/** One axis with its values, its brush, and what pointer and keyboard do to it. */
function axisOf(axis, x, { top, bottom, drawLines, drawing, redraw, reach }) {
  const g = svg('g', { class: 'axis' });
  const name = axis.isObjective ? D.objective.name : axis.key;
  g.append(svg('text', { class: 'name', x, y: 16, 'text-anchor': 'middle' }, cut(name, Math.max(88, reach) - 6)));
  g.append(svg('line', { class: 'stem', x1: x, x2: x, y1: top, y2: bottom }));
  const block = svg('rect', { class: 'brush', x: x - 9, width: 18, visibility: 'hidden' });
  const strip = svg('rect', { class: 'strip', x: x - 14, y: top, width: 28, height: bottom - top });
  g.append(block, strip);
  const set = (range) => {
    if (range) brush.set(axis.key, range);
    else brush.delete(axis.key);
    refresh();
    drawLines();
  };
  const handles = [];
  function refresh() {
    const range = brush.get(axis.key);
    if (axis.isOrdinal) {
      g.querySelectorAll('[role=checkbox]').forEach((item) => {
        const isOn = Boolean(range?.has(Number(item.dataset.at)));
        item.setAttribute('aria-checked', isOn);
        item.classList.toggle('on', isOn);
      });
      return;
    }
    const [low, high] = range ?? [axis.scale.inverse(bottom), axis.scale.inverse(top)];
    const [y1, y2] = [axis.scale(high), axis.scale(low)];
    dress(block, { y: y1, height: Math.max(1, y2 - y1), visibility: range ? 'visible' : 'hidden' }, []);
    handles.forEach((handle, end) => {
      const at = end === 0 ? y2 : y1;
      handle.setAttribute('transform', `translate(${x} ${at})`);
      handle.setAttribute('aria-valuenow', short(end === 0 ? low : high));
    });
  }
  if (axis.isOrdinal) {
    for (const at of axis.used) {
      const toggle = () => {
        const range = new Set(brush.get(axis.key) ?? []);
        if (!range.delete(at)) range.add(at);
        set(range.size ? range : null);
      };
      g.append(svg('g', {
        class: 'value',
        role: 'checkbox',
        tabindex: '0',
        'data-at': at,
        'aria-label': `${axis.key}=${axis.param.shown[at]}`,
        onclick: toggle,
        onkeydown: (event) => {
          if (event.key !== 'Enter' && event.key !== ' ') return;
          event.preventDefault();
          toggle();
        },
      }, axis.step < 15 ? '' : svg('text', { x, y: axis.spot(at) + 4, 'text-anchor': 'middle' }, cut(axis.param.shown[at], Math.max(80, reach - 10)))));
    }
  } else {
    for (const tick of axis.scale.ticks(6)) {
      g.append(svg('text', { class: 'tick', x: x + (axis.isObjective ? 8 : -8), y: axis.scale(tick) + 4, 'text-anchor': axis.isObjective ? 'start' : 'end' },
        axis.scale.format(tick)));
    }
    const move = (end, step) => {
      const range = [...(brush.get(axis.key) ?? [axis.scale.inverse(bottom), axis.scale.inverse(top)])];
      const pixel = axis.scale(range[end]) + step;
      range[end] = axis.scale.inverse(Math.min(bottom, Math.max(top, pixel)));
      if (range[0] <= range[1]) set(range);
    };
    ['lowest', 'highest'].forEach((word, end) => {
      const handle = svg('path', {
        class: 'handle',
        d: end === 0 ? 'M-9 0h18l-9 8z' : 'M-9 0h18l-9 -8z',
        role: 'slider',
        tabindex: '0',
        'aria-label': `${word} ${name}`,
        'aria-orientation': 'vertical',
        onkeydown: (event) => {
          const step = { ArrowUp: -6, ArrowDown: 6, PageUp: -40, PageDown: 40 }[event.key];
          if (event.key === 'Escape') set(null);
          if (!step) return;
          event.preventDefault();
          move(end, step);
        },
      });
      handles.push(handle);
      g.append(handle);
    });
  }
  strip.addEventListener('pointerdown', (event) => {
    strip.setPointerCapture(event.pointerId);
    const scale = drawing.getBoundingClientRect().height / drawing.viewBox.baseVal.height;
    const at = (moved) => (moved.clientY - drawing.getBoundingClientRect().top) / scale;
    const from = at(event);
    const onmove = (moved) => {
      const [y1, y2] = [Math.min(from, at(moved)), Math.max(from, at(moved))];
      if (y2 - y1 < 3) return;
      if (axis.isOrdinal) {
        const range = new Set(axis.used.filter((value) => {
          const spot = axis.spot(value);
          return spot + axis.step / 2 > y1 && spot - axis.step / 2 < y2;
        }));
        set(range.size && range.size < axis.used.length ? range : null);
      } else {
        set([axis.scale.inverse(Math.min(bottom, y2)), axis.scale.inverse(Math.max(top, y1))]);
      }
    };
    const onup = (moved) => {
      strip.removeEventListener('pointermove', onmove);
      // A click without a drag takes the brush away.
      if (Math.abs(at(moved) - from) < 3) set(null);
    };
    strip.addEventListener('pointermove', onmove);
    strip.addEventListener('pointerup', onup, { once: true });
  });
  strip.addEventListener('dblclick', redraw);
  refresh();
  return g;
}
