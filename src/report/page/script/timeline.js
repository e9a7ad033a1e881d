// Timeline: attempts by slot, the sessions one after another without the time between them.

const LANE = 26;

function timeline(host, width) {
  const t = D.timeline;
  if (t.attempts.length === 0) throw new Error('nothing to draw');
  const used = t.sessions.map((session, place) => ({ session, place })).filter(({ place }) => t.attempts.some(([of]) => of === place));
  const total = used.reduce((sum, { session }) => sum + Math.max(session[1], 1), 0);
  const left = Math.min(96, 14 + 7.2 * Math.max(...t.slots.map((slot) => slot.length)));
  const [right, top, gap] = [width - 10, 30, used.length > 1 ? 6 : 0];
  const scale = (right - left - gap * (used.length - 1)) / total;
  const begin = new Map();
  let at = left;
  for (const { session, place } of used) {
    begin.set(place, at);
    at += Math.max(session[1], 1) * scale + gap;
  }
  const bottom = top + t.slots.length * LANE;
  const drawing = canvas(width, bottom + 46, 'Timeline of attempts by slot');
  t.slots.forEach((slot, place) => drawing.append(
    svg('text', { x: left - 8, y: top + place * LANE + 17, 'text-anchor': 'end' }, slot),
    svg('line', { class: 'grid', x1: left, x2: right, y1: top + (place + 1) * LANE, y2: top + (place + 1) * LANE }),
  ));
  const labelled = used.filter(({ session }) => session[1] * scale > 112 || used.length === 1);
  for (const { session, place } of labelled) {
    drawing.append(svg('text', { class: 'name', x: begin.get(place), y: 14 }, `${session[0]} UTC`));
  }
  for (const { session, place } of used) {
    const ticks = timeTicks(session[1] / 1000, Math.max(1, Math.floor((session[1] * scale) / 90)));
    for (const tick of session[1] * scale > 60 ? ticks : []) {
      const x = begin.get(place) + tick * 1000 * scale;
      // The end of a session leaves space for the beginning of the next.
      if (used.at(-1).place !== place && x > begin.get(place) + session[1] * scale - 48) continue;
      drawing.append(svg('line', { class: 'grid', x1: x, x2: x, y1: top, y2: bottom }),
        svg('text', { x, y: bottom + 18, 'text-anchor': tick === 0 ? 'start' : x > right - 40 ? 'end' : 'middle' }, tick === 0 ? '0' : duration(tick)));
    }
  }
  const bars = new Map();
  const points = [];
  for (const [session, slot, start, ms, outcome, trial, said] of t.attempts) {
    if (!begin.has(session)) continue;
    const x = begin.get(session) + start * scale;
    const long = Math.max(ms * scale - 0.5, 0.7);
    const y = top + slot * LANE + 4;
    bars.set(outcome, `${bars.get(outcome) ?? ''}M${x.toFixed(1)} ${y}h${long.toFixed(2)}v${LANE - 8}h${(-long).toFixed(2)}z`);
    points.push({ x: x + long / 2, y: y + (LANE - 8) / 2, lines: [`trial ${trial}: ${t.outcomes[outcome].replace(/_/g, ' ')}`, duration(ms / 1000), ...(said ? [said] : [])] });
  }
  for (const [outcome, d] of bars) drawing.append(svg('path', { class: `bar ${outcomeClass(t.outcomes[outcome])}`, d }));
  for (const [session, slot, when, what, message] of t.events) {
    if (!begin.has(session)) continue;
    const [x, y] = [begin.get(session) + when * scale, top + slot * LANE];
    drawing.append(svg('path', { class: 'event', d: `M${x - 5} ${y + 2}l10 ${LANE - 4}m0 ${4 - LANE}l-10 ${LANE - 4}` }));
    points.push({ x, y: y + LANE / 2, lines: [`${t.slots[slot]} ${what.replace(/_/g, ' ')}`, ...(message ? [message] : [])] });
  }
  hover(drawing, points, { reach: 16 });
  const busy = t.attempts.reduce((sum, attempt) => sum + attempt[3], 0) / (total * t.slots.length);
  const kinds = [...new Set(t.outcomes.map(outcomeClass))];
  const words = { good: 'finished', odd: 'diverged', bad: 'failed', cut: 'interrupted or running' };
  host.append(drawing, legend([...kinds.map((kind) => [`bar ${kind}`, words[kind], 'square']), ...(t.events.length ? [['event', 'slot retired']] : [])]),
    html('p', { class: 'note' }, `${count(t.attempts.length, 'attempt')} in ${count(used.length, 'session')}; slots were busy ${(100 * busy).toFixed(0)}% of the time. Time between sessions is not shown.`));
}

/** Round places from 0 to so many seconds, as clocks are read. */
function timeTicks(seconds, most) {
  const round = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const step = round.find((size) => seconds / size <= most) ?? 86400 * Math.ceil(seconds / 86400 / most);
  return seconds < 5 ? niceTicks(0, seconds, most) : Array.from({ length: Math.floor(seconds / step) + 1 }, (_, k) => k * step);
}

function outcomeClass(outcome) {
  if (outcome === 'finished') return 'good';
  if (outcome === 'diverged') return 'odd';
  return outcome === 'interrupted' || outcome === 'running' ? 'cut' : 'bad';
}
