// Draws one Plotly figure in the reader's theme. Called again with every new figure and every change of theme: Plotly.react
// keeps zoom and hidden legend entries while layout.uirevision stays the same.
function library(url) {
  window.seatrialPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = url
    script.onload = () => resolve(window.Plotly)
    script.onerror = () => {
      window.seatrialPlotly = undefined
      reject(new Error(url))
    }
    document.head.append(script)
  })
  return window.seatrialPlotly
}

function colors(element) {
  const style = getComputedStyle(element)
  const read = name => style.getPropertyValue(`--st-${name}`).trim()
  const text = read("text-color")
  const faded = `color-mix(in srgb, ${text} 72%, transparent)`
  return {
    text,
    faded,
    grid: read("border-color"),
    background: read("background-color"),
    font: read("font"),
    series: read("chart-categorical-colors").split(",").map(color => color.trim()),
  }
}

// Plotly reads hex and rgb only.
function plain(color, probe) {
  probe.style.color = color
  const numbers = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number)
  const scale = getComputedStyle(probe).color.startsWith("color(") ? 255 : 1
  const [red, green, blue] = numbers.slice(0, 3).map(value => Math.round(value * scale))
  return `rgba(${red},${green},${blue},${numbers[3] ?? 1})`
}

function themed(layout, theme) {
  const template = layout.template?.layout ?? {}
  const axis = old => ({
    ...old,
    gridcolor: theme.grid,
    linecolor: theme.grid,
    tickfont: { ...old?.tickfont, color: theme.faded },
    title: { ...old?.title, font: { ...old?.title?.font, color: theme.faded } },
  })
  return {
    ...layout,
    template: {
      layout: {
        ...template,
        colorway: theme.series,
        paper_bgcolor: theme.background,
        plot_bgcolor: theme.background,
        font: { ...template.font, color: theme.text, family: theme.font },
        hoverlabel: {
          ...template.hoverlabel,
          bgcolor: theme.background,
          bordercolor: theme.grid,
          font: { ...template.hoverlabel?.font, color: theme.text },
        },
        modebar: { bgcolor: "rgba(0,0,0,0)", color: theme.faded, activecolor: theme.text },
        xaxis: axis(template.xaxis),
        yaxis: axis(template.yaxis),
      },
    },
  }
}

function place(parent, height) {
  let plot = parent.querySelector("[data-seatrial-chart]")
  if (!plot) {
    plot = document.createElement("div")
    plot.dataset.seatrialChart = ""
    plot.style.width = "100%"
    plot.style.borderRadius = "var(--st-base-radius)"
    plot.style.background = "var(--st-secondary-background-color)"
    parent.append(plot)
  }
  plot.style.minHeight = `${height}px`
  return plot
}

// Made once for a plot: with a new function in its configuration Plotly would begin anew, without the reader's zoom.
function drawing(Plotly, plot, file, title) {
  plot.file = file
  if (plot.drawing?.title !== title) {
    const click = () => Plotly.downloadImage(plot, { format: "svg", filename: plot.file, width: plot.clientWidth, height: plot.clientHeight })
    plot.drawing = { name: "svg", title, icon: Plotly.Icons.disk, click }
  }
  return plot.drawing
}

export default async function ({ parentElement, data: [data], setTriggerValue }) {
  const { figure, words } = data
  const plot = place(parentElement, figure.layout.height)
  plot.setAttribute("role", "figure")
  plot.setAttribute("aria-label", data.alt)
  plot.latest = data
  let Plotly
  try {
    Plotly = await library(data.script)
  } catch {
    plot.textContent = words.failed
    return undefined
  }
  if (plot.latest !== data) return undefined
  const theme = colors(plot)
  theme.faded = plain(theme.faded, plot)
  plot.style.color = ""
  await Plotly.react(plot, figure.data, themed(figure.layout, theme), {
    displaylogo: false,
    displayModeBar: "hover",
    modeBarButtons: [["toImage", drawing(Plotly, plot, data.file, words.svg), "zoom2d", "pan2d", "resetScale2d"]],
    toImageButtonOptions: { format: "png", scale: 2, filename: data.file },
    locale: "page",
    locales: { page: { dictionary: words.dictionary, format: {} } },
  })
  plot.style.background = ""
  plot.removeAllListeners("plotly_click")
  plot.on("plotly_click", event => {
    const chosen = event.points[0]?.customdata
    if (chosen) setTriggerValue("clicked", chosen)
  })
  plot.watcher ??= new ResizeObserver(() => Plotly.Plots.resize(plot))
  plot.watcher.observe(plot)
  return () => {
    plot.watcher.disconnect()
    Plotly.purge(plot)
  }
}
