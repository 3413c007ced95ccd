// Sliders for the scalar inputs of a signature, built from the rows of page.json.

/**
 * Fills `container` with a slider for each scalar; those of one attribute are grouped.
 *
 * `values` maps labels to values. Labels that it has keep their value, and every change is
 * written to it. `changed` is called after every change.
 */
export function buildSliders(container, rows, values, changed) {
  for (const row of rows) {
    if (!values.has(row.label)) values.set(row.label, row.start);
  }
  const attributes = Map.groupBy ? Map.groupBy(rows, (row) => row.attribute) : grouped(rows);
  const sets = [...attributes].map(([attribute, members]) => {
    const sliders = members.map((row) => slider(row, values, changed));
    return members.length === 1 ? sliders[0].element
                                : choice(attribute, members, sliders, values, changed);
  });
  container.replaceChildren(...sets);
}

/** Sets all values to their initial ones. */
export function resetValues(rows, values) {
  for (const row of rows) values.set(row.label, row.start);
}

function grouped(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.attribute, [...groups.get(row.attribute) ?? [], row]);
  return groups;
}

function slider(row, values, changed) {
  const input = element('input', {
    type: 'range', min: row.min, max: row.max, step: row.step, name: row.label,
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
  const words = row.min === row.absent ? ['none', 'full'] : ['absent', 'present'];
  [row.absent, row.present].forEach((value, index) => {
    const mark = element('span', {textContent: words[index]});
    mark.style.setProperty('--at', (value - row.min) / (row.max - row.min));
    marks.append(mark);
  });
  return marks;
}

/** A categorical attribute: a button for each category, and sliders to mix them. */
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
