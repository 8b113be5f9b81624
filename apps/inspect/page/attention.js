// The attention of a text: all layers and heads small, one of them large.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const {layers, keys, queries, prefix} = data;
  const byId = id => document.getElementById(id);
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  let layer = 0, head = 0, query = 0;

  // One pixel a weight; the browser makes it larger without smoothing.
  const paint = (canvas, weights) => {
    canvas.width = keys.length;
    canvas.height = queries.length;
    const context = canvas.getContext('2d');
    weights.forEach((row, q) => row.forEach((weight, k) => {
      context.globalAlpha = Math.sqrt(weight);
      context.fillStyle = css(k < prefix ? '--front' : '--accent');
      context.fillRect(k, q, 1, 1);
    }));
  };

  const small = [];
  const thumbnails = () => {
    const grid = byId('grid');
    grid.style.setProperty('--heads', layers[0].length);
    layers.forEach((heads, l) => heads.forEach((weights, h) => {
      const button = make('button');
      button.type = 'button';
      button.title = 'layer ' + (l + 1) + ', head ' + (h + 1);
      button.setAttribute('aria-label', button.title);
      const canvas = make('canvas');
      button.append(canvas);
      button.onclick = () => choose(l, h);
      grid.append(button);
      small.push({l, h, button, canvas});
    }));
  };

  const table = byId('map');
  const draw = () => {
    const weights = layers[layer][head];
    table.replaceChildren();
    const top = make('tr');
    top.append(make('th'));
    keys.forEach((key, k) => {
      const cell = make('th', 'key' + (k < prefix ? ' front' : ''));
      cell.append(make('span', '', key));
      top.append(cell);
    });
    table.append(top);
    weights.forEach((row, q) => {
      const tr = make('tr', q === query ? 'chosen' : '');
      const name = make('th', 'query');
      const button = make('button', '', queries[q]);
      button.type = 'button';
      button.onclick = () => { query = q; draw(); };
      name.append(button);
      tr.append(name);
      row.forEach((weight, k) => {
        const cell = make('td', k < prefix ? 'front' : '');
        cell.style.setProperty('--weight', Math.sqrt(weight).toFixed(3));
        cell.title = queries[q] + ' → ' + keys[k] + ': ' + weight.toFixed(4);
        tr.append(cell);
      });
      table.append(tr);
    });
    byId('chosen').textContent = 'Layer ' + (layer + 1) + ', head ' + (head + 1);
    byId('who').textContent = '“' + queries[query] + '” looks at';
    const order = weights[query].map((weight, k) => [weight, k]).sort((a, b) => b[0] - a[0]).slice(0, 8);
    byId('most').replaceChildren(...order.map(([weight, k]) => {
      const item = make('li', k < prefix ? 'front' : '');
      const bar = make('span', 'bar');
      bar.style.width = (100 * weight) + '%';
      item.append(make('span', 'piece', keys[k]), make('span', 'weight', weight.toFixed(3)), bar);
      return item;
    }));
    for (const s of small) s.button.classList.toggle('on', s.l === layer && s.h === head);
    byId('layer').value = layer;
    byId('head').value = head;
  };
  const choose = (l, h) => { layer = l; head = h; draw(); };

  const fill = (select, n) => {
    for (let i = 0; i < n; ++i) {
      const option = make('option', '', i + 1);
      option.value = i;
      select.append(option);
    }
  };
  fill(byId('layer'), layers.length);
  fill(byId('head'), layers[0].length);
  byId('layer').onchange = event => choose(+event.target.value, head);
  byId('head').onchange = event => choose(layer, +event.target.value);
  const paintAll = () => small.forEach(s => paint(s.canvas, layers[s.l][s.h]));
  thumbnails();
  paintAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paintAll);
  draw();
  window.chooseHead = choose;
  document.documentElement.dataset.heads = small.length;
})();
