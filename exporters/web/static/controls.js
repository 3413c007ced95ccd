// Sliders for a signature's numbers, built from page.json's rows.

/**
 * Fills `place` with a slider for each number, those of one attribute together.
 *
 * `values` (label to number) is read where it holds a label and kept up to date; `changed` is
 * called after every change.
 */
export function showNumbers(place, rows, values, changed) {
  for (const row of rows) {
    if (!values.has(row.label)) values.set(row.label, row.start);
  }
  const attributes = Map.groupBy ? Map.groupBy(rows, (row) => row.attribute) : grouped(rows);
  const sets = [...attributes].map(([attribute, members]) => {
    const sliders = members.map((row) => slider(row, values, changed));
    return members.length === 1 ? sliders[0].element
                                : choice(attribute, members, sliders, values, changed);
  });
  place.replaceChildren(...sets);
}

/** Sets all numbers back to where they start. */
export function startNumbers(rows, values) {
  for (const row of rows) values.set(row.label, row.start);
}

function grouped(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.attribute, [...groups.get(row.attribute) ?? [], row]);
  return groups;
}

function slider(row, values, changed) {
  const input = element('input', {
    type: 'range', min: row.least, max: row.most, step: row.step, name: row.label,
  });
  const shown = element('output', {});
  const update = () => {
    input.value = values.get(row.label);
    shown.textContent = Number(input.value).toFixed(row.step < 1 ? 2 : 0);
  };
  input.addEventListener('input', () => {
    values.set(row.label, Number(input.value));
    update();
    changed();
  });
  update();
  const head = element('span', {className: 'row'});
  head.append(element('span', {textContent: nameOf(row)}), shown);
  const whole = element('label', {className: 'slider'});
  whole.append(head, input, scale(row));
  return {element: whole, update};
}

/** Marks under a slider where the attribute is absent and where it is present. */
function scale(row) {
  const marks = element('span', {className: 'marks', ariaHidden: 'true'});
  const words = row.least === row.absent ? ['none', 'full'] : ['absent', 'present'];
  [row.absent, row.present].forEach((value, index) => {
    const mark = element('span', {textContent: words[index]});
    mark.style.setProperty('--at', (value - row.least) / (row.most - row.least));
    marks.append(mark);
  });
  return marks;
}

/** An attribute of several values: a button for each, and sliders to mix them. */
function choice(attribute, rows, sliders, values, changed) {
  const set = element('fieldset', {});
  const buttons = element('div', {className: 'chips'});
  const marked = () => rows.forEach((row, index) => {
    const only = rows.every((other) =>
      values.get(other.label) === (other === row ? other.present : other.absent));
    buttons.children[index].ariaPressed = String(only);
  });
  for (const row of rows) {
    const button = element('button', {type: 'button', textContent: nameOf(row)});
    button.addEventListener('click', () => {
      for (const other of rows) {
        values.set(other.label, other === row ? other.present : other.absent);
      }
      sliders.forEach((one) => one.update());
      marked();
      changed();
    });
    buttons.append(button);
  }
  const mix = element('details', {});
  mix.append(element('summary', {textContent: 'Mix and exaggerate'}));
  mix.append(...sliders.map((one) => one.element));
  mix.addEventListener('input', marked);
  set.append(element('legend', {textContent: attribute}), buttons, mix);
  marked();
  return set;
}

function nameOf({label, attribute}) {
  return label === attribute ? label : label.slice(attribute.length + 1);
}

function element(kind, properties) {
  return Object.assign(document.createElement(kind), properties);
}
