// Draws the charts of a comparison with Chart.js, and writes under each the numbers that it drew.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const SHAPES = ['circle', 'rectRot', 'triangle', 'rect', 'star', 'crossRot', 'rectRounded', 'cross'];
  const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3]];
  const PURPOSES = ['forward', 'input gradients', 'weight gradients'];
  const charts = [];

  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = row => css('--' + row.colour.slice(2));
  const faint = c => c + '70';
  const count = x => Math.round(x).toLocaleString('en-US');
  const fixed = x => x.toFixed(2);
  const scaled = (x, units) => {
    for (const [size, unit] of units) if (Math.abs(x) >= size) return +(x / size).toPrecision(3) + unit;
    return String(+x.toPrecision(3));
  };
  const short = x => scaled(x, [[1e9, 'B'], [1e6, 'M'], [1e3, 'k']]);
  const bytes = x => scaled(x, [[1e9, ' GB'], [1e6, ' MB'], [1e3, ' kB']]);
  const flop = x => scaled(x, [[1e12, ' T'], [1e9, ' G'], [1e6, ' M'], [1e3, ' k']]);
  const narrow = chart => chart.width < 560;

  // Whiskers of each dataset's `half`, lines across of options.plugins.marks.lines, and names beside the means.
  const marks = {
    id: 'marks',
    beforeDatasetsDraw(chart, _, options) {
      const {ctx, chartArea: area, scales} = chart;
      ctx.save();
      ctx.font = '11px ' + Chart.defaults.font.family;
      ctx.strokeStyle = ctx.fillStyle = css('--soft');
      ctx.setLineDash([4, 4]);
      for (const line of options.lines || []) {
        const y = scales.y.getPixelForValue(line.score);
        if (y < area.top || y > area.bottom) continue;
        ctx.beginPath();
        ctx.moveTo(area.left, y);
        ctx.lineTo(area.right, y);
        ctx.stroke();
        ctx.fillText((narrow(chart) ? line.short : line.name) + ' ' + fixed(line.score), area.left + 4, y - 4);
      }
      ctx.setLineDash([]);
      chart.data.datasets.forEach((set, i) => {
        if (!set.half || !chart.isDatasetVisible(i)) return;
        chart.getDatasetMeta(i).data.forEach((point, j) => {
          if (set.half[j] == null) return;
          const y = set.data[j].y, x = point.x;
          const top = Math.max(area.top, scales.y.getPixelForValue(y + set.half[j]));
          const bottom = Math.min(area.bottom, scales.y.getPixelForValue(y - set.half[j]));
          ctx.strokeStyle = set.borderColor;
          ctx.lineWidth = 1.5;
          ctx.beginPath();
          ctx.moveTo(x, top);
          ctx.lineTo(x, bottom);
          for (const end of [top, bottom]) {
            ctx.moveTo(x - 4, end);
            ctx.lineTo(x + 4, end);
          }
          ctx.stroke();
        });
      });
      ctx.restore();
    },
    afterDatasetsDraw(chart, _, options) {
      if (!options.names || narrow(chart)) return;
      const {ctx, chartArea: area} = chart;
      const taken = [], means = [];
      chart.data.datasets.forEach((set, i) => {
        if (!chart.isDatasetVisible(i) || set.type === 'line') return;
        for (const p of chart.getDatasetMeta(i).data) {
          taken.push([p.x - 5, p.y - 5, p.x + 5, p.y + 5]);
          if (set.half) means.push([set, p]);
        }
      });
      ctx.save();
      ctx.font = '12px ' + Chart.defaults.font.family;
      ctx.fillStyle = css('--ink');
      for (const [set, p] of means) {
        const w = ctx.measureText(set.label).width;
        const places = [[9, 4], [-9 - w, 4], [9, -8], [9, 16], [-9 - w, -8], [-9 - w, 16], [-w / 2, -14], [-w / 2, 24],
                        [9, -22], [9, 30], [-9 - w, -22], [-9 - w, 30]];
        for (const [dx, dy] of places) {
          const x = p.x + dx, y = p.y + dy, box = [x, y - 11, x + w, y + 3];
          if (box[0] < area.left || box[2] > area.right || box[1] < area.top || box[3] > area.bottom) continue;
          if (taken.some(t => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) continue;
          taken.push(box);
          ctx.fillText(set.label, x, y);
          break;
        }
      }
      ctx.restore();
    },
  };

  // The table of what a chart holds, from the chart itself.
  function numbers(figure, headers, rows) {
    const details = figure.querySelector('details') || document.createElement('details');
    details.replaceChildren();
    const summary = details.appendChild(document.createElement('summary'));
    summary.textContent = 'numbers';
    const scroll = details.appendChild(document.createElement('div'));
    scroll.className = 'scroll';
    const table = scroll.appendChild(document.createElement('table'));
    const line = (cells, tag) => {
      const tr = table.appendChild(document.createElement('tr'));
      cells.forEach((cell, i) => {
        const td = tr.appendChild(document.createElement(tag));
        td.textContent = cell;
        if (i > 0) td.className = 'n';
      });
    };
    line(headers, 'th');
    rows.forEach(row => line(row, 'td'));
    figure.append(details);
  }

  // A switch in the legend acts on all lines and points of a label.
  const legend = {
    position: 'bottom',
    labels: {usePointStyle: true, boxHeight: 7, filter: (item, all) => !all.datasets[item.datasetIndex].quiet},
    onClick(_, item, l) {
      const show = !l.chart.isDatasetVisible(item.datasetIndex);
      l.chart.data.datasets.forEach((set, i) => {
        if (set.label === item.text) l.chart.setDatasetVisibility(i, show);
      });
      l.chart.update();
    },
  };

  const axis = (title, more = {}) => ({
    title: {display: true, text: title, color: css('--soft')},
    grid: {color: css('--rule')},
    ticks: {color: css('--soft'), ...(more.ticks || {})},
    ...Object.fromEntries(Object.entries(more).filter(([key]) => key !== 'ticks')),
  });
  // Powers of ten, and 2 and 5 between them where few fit.
  const logAxis = (title, text, values) => {
    const v = values.filter(x => x > 0), low = Math.min(...v), high = Math.max(...v);
    const lead = Math.log10(high / low) < 2 ? [1, 2, 5] : [1];
    return axis(title, {
      type: 'logarithmic', min: low / 1.7, max: high * 1.7,
      ticks: {
        autoSkip: false, maxRotation: 0,
        callback: x => lead.includes(Math.round(x / 10 ** Math.floor(Math.log10(x) + 1e-9))) ? text(x) : null,
      },
    });
  };
  // From the lowest to the highest value with some room, and down to a line across that is near.
  const scoreAxis = (title, values, lines = []) => {
    const low = Math.min(...values), high = Math.max(...values), span = Math.max(high - low, 1);
    const near = lines.map(l => l.score).filter(s => s < low && s > low - 1.2 * span);
    const bottom = Math.min(low - 0.05 * span, ...near.map(s => s - 0.05 * span)), top = high + 0.05 * span;
    const step = [0.5, 1, 2, 5, 10, 20].find(s => (top - bottom) / s <= 10) || 50;
    return axis(title, {
      min: step * Math.floor(bottom / step), max: step * Math.ceil(top / step), ticks: {stepSize: step},
    });
  };

  const style = row => ({
    label: row.label, borderColor: colour(row), backgroundColor: colour(row),
    pointStyle: SHAPES[row.variant % SHAPES.length],
  });

  function scatter(rows, frontiers, lines, metric) {
    rows = rows.filter(r => r.trainable > 0 && r.mean != null);
    const sets = [], values = [];
    for (const row of rows) {
      values.push(row.mean, ...row.seeds.map(s => s[1]));
      if (row.half != null && row.half < 25) values.push(row.mean - row.half, row.mean + row.half);
      sets.push({...style(row), data: [{x: row.trainable, y: row.mean}], half: [row.half], radius: 6, hoverRadius: 8,
                 borderWidth: 2});
      sets.push({...style(row), data: row.seeds.map(s => ({x: row.trainable, y: s[1], seed: s[0]})), radius: 2.5,
                 pointStyle: 'circle', backgroundColor: css('--panel'), borderWidth: 1.2, quiet: true, order: -1});
    }
    frontiers.forEach(points => sets.push({
      type: 'line', label: 'frontier', data: points.map(p => ({x: p[0], y: p[1]})), stepped: 'before', borderDash: [5, 4],
      borderColor: css('--soft'), backgroundColor: 'transparent', borderWidth: 1.2, pointRadius: 0, quiet: true, order: 9,
    }));
    return {
      config: {
        type: 'scatter', data: {datasets: sets},
        options: {
          scales: {x: logAxis('trainable parameters', short, rows.map(r => r.trainable)),
                   y: scoreAxis(metric, values, lines)},
          plugins: {marks: {lines, names: true}, legend, tooltip: {callbacks: {label: i =>
            `${i.dataset.label}${i.raw.seed == null ? '' : ', seed ' + i.raw.seed}: ${fixed(i.raw.y)} with ${count(i.raw.x)}`}}},
        },
      },
      headers: ['strategy', 'trainable', 'mean', '± (95 %)', 'scores by seed'],
      rows: chart => chart.data.datasets.filter(s => s.half).map(s => {
        const seeds = chart.data.datasets.find(o => o.quiet && o.label === s.label && o.type !== 'line');
        return [s.label, count(s.data[0].x), fixed(s.data[0].y), s.half[0] == null ? '-' : fixed(s.half[0]),
                seeds.data.map(p => fixed(p.y)).join('  ')];
      }),
    };
  }

  function rates(task) {
    const rows = task.rows.filter(r => r.rates.length > 1);
    const sets = rows.map(row => ({
      ...style(row), data: row.rates.map(([x, y, n]) => ({x, y, n})), showLine: true, borderWidth: 2, radius: 4,
      borderDash: DASHES[row.variant % DASHES.length], type: 'scatter',
    }));
    const all = rows.flatMap(r => r.rates);
    return {
      config: {
        type: 'scatter', data: {datasets: sets},
        options: {
          scales: {x: logAxis('learning rate', x => x.toExponential(0), all.map(r => r[0])),
                   y: scoreAxis(task.metric, all.map(r => r[1]))},
          plugins: {legend, tooltip: {callbacks: {label: i =>
            `${i.dataset.label}, rate ${i.raw.x}: ${fixed(i.raw.y)} (${i.raw.n} seeds)`}}},
        },
      },
      headers: ['strategy', 'rate', 'mean', 'seeds'],
      rows: chart => chart.data.datasets.flatMap(s => s.data.map(p => [s.label, String(p.x), fixed(p.y), String(p.n)])),
    };
  }

  function bars(rows, sets, text, title) {
    return {
      height: 90 + 30 * rows.length,
      config: {
        type: 'bar', data: {labels: rows.map(r => r.label), datasets: sets},
        options: {
          indexAxis: 'y',
          scales: {x: axis(title, {stacked: true, ticks: {callback: v => text(v), maxTicksLimit: 6}}),
                   y: axis('', {stacked: true, ticks: {autoSkip: false, callback(v) {
                     const label = this.getLabelForValue(v), most = this.chart.width < 560 ? 16 : 40;
                     return label.length > most ? label.slice(0, most - 1) + '…' : label;
                   }}})},
          plugins: {legend: {...legend, display: sets.length > 1},
                    tooltip: {callbacks: {label: i => `${i.dataset.label}: ${text(i.raw)}`}}},
        },
      },
      headers: ['strategy', ...sets.map(s => s.label)],
      rows: chart => chart.data.labels.map((label, i) => [label, ...chart.data.datasets.map(s => text(s.data[i]))]),
    };
  }

  function products(task) {
    const rows = task.rows.filter(r => r.products);
    return bars(rows, PURPOSES.map((label, i) => ({
      label, data: rows.map(r => r.products[i]), backgroundColor: css('--p' + i), pointStyle: 'rect', maxBarThickness: 20,
    })), flop, 'FLOP for a training token');
  }

  function one(task, key, label, text, unit = 1) {
    const rows = task.rows.filter(r => r[key] != null);
    return bars(rows, [{label, data: rows.map(r => r[key] / unit), backgroundColor: rows.map(colour), maxBarThickness: 20}],
                text, label);
  }

  function time(task) {
    const most = Math.max(...task.rows.map(r => r.seconds || 0));
    const [unit, label] = [[7200, 3600, 'hours'], [120, 60, 'minutes'], [0, 1, 'seconds']].find(u => most >= u[0]).slice(1);
    return one(task, 'seconds', label, x => String(+x.toPrecision(3)), unit);
  }

  function curves(task, key, title) {
    const sets = [];
    for (const row of task.rows)
      row.curves.forEach((curve, i) => {
        if (!curve[key].length) return;
        sets.push({...style(row), data: curve[key].map(([x, y]) => ({x, y})), seed: curve.seed, quiet: i > 0, showLine: true,
                   borderColor: i > 0 ? faint(colour(row)) : colour(row), borderWidth: i > 0 ? 1.2 : 2,
                   radius: key === 'score' ? 2.5 : 0, hitRadius: 6, borderDash: DASHES[row.variant % DASHES.length],
                   tension: 0});
      });
    return {
      config: {
        type: 'scatter', data: {datasets: sets},
        options: {
          scales: {x: axis('step', {min: 0}), y: axis(title)},
          plugins: {legend, tooltip: {callbacks: {label: i =>
            `${i.dataset.label}${i.dataset.seed == null ? '' : ', seed ' + i.dataset.seed}, step ${count(i.raw.x)}: ` +
            i.raw.y.toPrecision(4)}}},
        },
      },
      headers: ['strategy', 'seed', 'step', title],
      rows: chart => chart.data.datasets.flatMap(s => s.data.map(p =>
        [s.label, s.seed == null ? '-' : String(s.seed), count(p.x), p.y.toPrecision(4)])),
    };
  }

  const kinds = {
    score: task => scatter(task.rows, task.frontiers, task.references, task.metric),
    average: () => scatter(data.average, [], [], 'average score'),
    rates,
    products,
    seconds: time,
    memory: task => one(task, 'peak', 'peak memory', bytes),
    loss: task => curves(task, 'loss', 'training loss'),
    curve: task => curves(task, 'score', 'dev score'),
  };

  // The picture with the page's background, at twice the resolution of a plain screen.
  function save(chart, name) {
    const ratio = chart.options.devicePixelRatio;
    chart.options.devicePixelRatio = 2;
    chart.resize();
    const picture = document.createElement('canvas');
    picture.width = chart.canvas.width;
    picture.height = chart.canvas.height;
    const ctx = picture.getContext('2d');
    ctx.fillStyle = css('--panel');
    ctx.fillRect(0, 0, picture.width, picture.height);
    ctx.drawImage(chart.canvas, 0, 0);
    chart.options.devicePixelRatio = ratio;
    chart.resize();
    const link = document.createElement('a');
    link.download = name + '.png';
    link.href = picture.toDataURL('image/png');
    link.click();
  }

  function draw() {
    charts.splice(0).forEach(chart => chart.destroy());
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.color = css('--ink');
    for (const figure of document.querySelectorAll('figure')) {
      const kind = figure.dataset.chart, task = data.tasks[figure.dataset.task];
      const {config, headers, rows, height} = kinds[kind](task);
      const canvas = figure.querySelector('canvas');
      if (height) canvas.parentElement.style.height = height + 'px';
      Object.assign(config.options, {animation: false, responsive: true, maintainAspectRatio: false});
      const chart = new Chart(canvas, {...config, plugins: [marks]});
      charts.push(chart);
      numbers(figure, headers, rows(chart));
      let button = figure.querySelector('button');
      if (!button) {
        button = figure.appendChild(document.createElement('button'));
        button.textContent = 'save PNG';
      }
      button.onclick = () => save(chart, [task && kind !== 'average' ? task.name : '', kind].filter(Boolean).join('-')
                                  .replace(/[^\w-]+/g, '_'));
    }
    document.documentElement.dataset.charts = charts.length;
  }

  draw();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
})();
