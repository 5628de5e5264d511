// The page: Swagger UI over this gateway's own description. Nothing is asked of any other host, its validator included.

import { storedKey } from "../key.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followTheme);
followTheme();

const { SwaggerUIBundle } = window;

const docs = SwaggerUIBundle({
  domNode: document.getElementById("docs"),
  url: "/openapi.json",
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
  // A key that this tab has, from the explorer or from `#key=…`, is used here too.
  onComplete: () => {
    if (storedKey()) docs.preauthorizeApiKey("bearer", storedKey());
  },
});
