// GraphiQL's dialogs and menus keep the page behind them from scrolling by adding a <style> element, which the CSP
// blocks. This page never scrolls, so those rules are not needed: they go into a <template>, where they do nothing.
const createElement = document.createElement.bind(document);
document.createElement = (name, options) => createElement(name === "style" ? "template" : name, options);
