// One training step under a slider: memory over the step, all ops, and the op at hand.
'use strict';
(() => {
  const trace = JSON.parse(document.getElementById('data').textContent);
  const {ops, steps} = trace;
  const byId = id => document.getElementById(id);
  const slider = byId('at');

  const scaled = (x, units) => {
    for (const [size, unit] of units) if (Math.abs(x) >= size) return +(x / size).toPrecision(3) + unit;
    return String(+x.toPrecision(3)) + units[units.length - 1][2];
  };
  const bytes = x => scaled(x, [[1e9, ' GB'], [1e6, ' MB'], [1e3, ' kB', ' B']]);
  const flop = x => scaled(x, [[1e12, ' TFLOP'], [1e9, ' GFLOP'], [1e6, ' MFLOP'], [1e3, ' kFLOP', ' FLOP']]);
  const time = x => x >= 1e-3 ? +(x * 1e3).toPrecision(3) + ' ms' : +(x * 1e6).toPrecision(3) + ' µs';
  const shape = s => '(' + s[0] + ', ' + s[1] + ')';
  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const svg = (tag, attributes) => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  // When backward passes an op: the index of that step, or none.
  const backwardAt = new Map();
  steps.forEach((step, i) => { if (step.pass === 'backward') backwardAt.set(step.op, i); });

  const rows = [];
  const list = () => {
    let frame = null;
    ops.forEach((op, i) => {
      if (op.frame !== frame) {
        frame = op.frame;
        byId('ops').append(make('li', 'frame', frame || 'outside of the layers'));
      }
      const row = make('li', 'op'), button = make('button', '', '');
      button.append(make('span', 'number', i), make('span', 'name', op.op),
                    make('span', 'module', op.module.slice(op.frame ? op.frame.length + 1 : 0)),
                    make('span', 'bytes', op.saved_bytes ? bytes(op.saved_bytes) : ''));
      button.type = 'button';
      button.onclick = () => show(i);
      row.append(button);
      byId('ops').append(row);
      rows.push(row);
    });
  };

  const chart = byId('chart');
  const W = 1000, H = 160;
  const x = i => steps.length > 1 ? i * W / (steps.length - 1) : 0;
  const draw = () => {
    const most = Math.max(1, ...steps.map(s => s.live_bytes || 0));
    const area = key => {
      let path = 'M0 ' + H, last = 0;
      steps.forEach((step, i) => {
        if (step[key] !== undefined) last = step[key];
        path += ' L' + x(i).toFixed(1) + ' ' + (H - H * last / most).toFixed(1);
      });
      return path + ' L' + W + ' ' + H + ' Z';
    };
    chart.setAttribute('viewBox', '0 0 ' + W + ' ' + H);
    chart.append(svg('path', {d: area('live_bytes'), class: 'live'}), svg('path', {d: area('saved_bytes'), class: 'saved'}));
    const turn = steps.findIndex(s => s.pass !== 'forward');
    if (turn > 0) chart.append(svg('line', {x1: x(turn - .5), x2: x(turn - .5), y1: 0, y2: H, class: 'turn'}));
    chart.append(svg('line', {x1: 0, x2: 0, y1: 0, y2: H, class: 'cursor', id: 'cursor'}));
    byId('peak').textContent = bytes(most);
    chart.onclick = event => {
      const box = chart.getBoundingClientRect();
      show(Math.round((event.clientX - box.left) / box.width * (steps.length - 1)));
    };
  };

  const products = (pairs) => {
    const line = make('p', 'chips');
    for (const [work, what, className] of pairs)
      if (work.calls > 0) line.append(make('span', 'chip ' + className, work.calls + ' × ' + what + ', ' + flop(work.flops)));
    return line;
  };
  const detail = step => {
    const box = byId('detail');
    box.replaceChildren();
    if (step.op === undefined) {
      box.append(make('h2', '', step.what === 'clip' ? 'Clip the gradients' : 'Update: ' + step.what));
      const n = trace.trainable_parameters;
      box.append(make('p', '', step.what === 'clip'
        ? 'The norm of all gradients is ' + trace.grad_norm.toPrecision(4) + '.'
        : 'Moves ' + n.toLocaleString('en-US') + ' parameters with rate ' + trace.lr + '. Value, gradient and two moments of each: ' + bytes(16 * n) + '.'));
      if (trace.timed) box.append(make('p', 'soft', time(step.seconds)));
      return;
    }
    const op = ops[step.op], back = step.pass === 'backward';
    box.append(make('h2', '', (back ? 'Backward of ' : '') + op.op));
    box.append(make('p', 'path', op.module || op.frame));
    const table = make('table');
    const row = (what, size, note, className) => {
      const tr = make('tr', className);
      tr.append(make('td', '', what), make('td', 'shape', size), make('td', 'state', note));
      table.append(tr);
    };
    row('result', shape(op.shape), op.recorded ? 'on the tape' : 'not on the tape', op.recorded ? 'trains' : 'frozen');
    for (const input of op.inputs)
      row(input.parameter ? input.parameter.split('.').slice(-2).join('.') : input.op !== undefined ? '#' + input.op + ' ' + ops[input.op].op : 'the batch',
          shape(input.shape), input.parameter ? (input.trains ? 'trains' : 'frozen') : input.trains ? 'needs a gradient' : 'needs none',
          input.trains ? 'trains' : 'frozen');
    box.append(table);
    if (back)
      box.append(products([[op.backward.input_gradient, 'gradient of an input', 'made'], [op.backward.weight_gradient, 'gradient of a weight', 'made'],
                           [op.backward.recomputed, 'made again', 'made'], [op.skipped.input_gradient, 'gradient of an input left out', 'skipped'],
                           [op.skipped.weight_gradient, 'gradient of a weight left out', 'skipped']]));
    else
      box.append(products([[op.forward, 'product', 'made']]));
    const notes = make('ul', 'plain');
    for (const note of back ? op.backward_notes : op.forward_notes) notes.append(make('li', '', note));
    box.append(notes);
    box.append(make('p', 'soft', (trace.timed ? time(step.seconds) + ' · ' : '') + bytes(step.live_bytes) + ' alive, of them ' +
                                 bytes(step.saved_bytes) + ' saved for backward'));
  };

  const show = at => {
    at = Math.max(0, Math.min(steps.length - 1, at));
    slider.value = at;
    const step = steps[at];
    byId('clock').textContent = (at + 1) + ' of ' + steps.length + ' · ' + step.pass;
    byId('cursor').setAttribute('x1', x(at));
    byId('cursor').setAttribute('x2', x(at));
    rows.forEach((row, i) => {
      const after = backwardAt.get(i);
      const done = i <= at, passed = after !== undefined && after <= at;
      row.className = 'op' + (ops[i].recorded ? '' : ' off') + (done ? ' done' : '') +
                      (done && !passed && ops[i].saved_bytes ? ' holds' : '') + (passed ? ' passed' : '') + (step.op === i ? ' now' : '');
    });
    detail(step);
    const row = step.op === undefined ? null : rows[step.op], box = byId('ops');
    if (row) box.scrollTop = row.offsetTop - box.offsetTop - box.clientHeight / 2;
  };

  const total = (what, made, all) => {
    const tr = make('tr');
    tr.append(make('td', '', what), make('td', 'n', made), make('td', 'n', all));
    byId('totals').append(tr);
  };
  const count = work => work.calls.toLocaleString('en-US') + ' (' + flop(work.flops) + ')';
  for (const [key, what] of [['forward', 'products forward'], ['input_gradient', 'for gradients of inputs'],
                             ['weight_gradient', 'for gradients of weights'], ['recomputed', 'made again in backward']])
    total(what, count(trace.step[key]), count(trace.if_all_trained[key]));
  total('saved for backward', bytes(trace.step.saved_bytes), bytes(trace.if_all_trained.saved_bytes));

  slider.max = steps.length - 1;
  slider.oninput = () => show(+slider.value);
  byId('back').onclick = () => show(+slider.value - 1);
  byId('next').onclick = () => show(+slider.value + 1);
  list();
  draw();
  show(0);
  window.showStep = show;
  document.documentElement.dataset.steps = steps.length;
})();
