// Asks the gateway, and turns every way to fail into a GraphQL result with a readable message.

const failure = (message) => ({ errors: [{ message }] });

/** The answer to one GraphQL request: its HTTP status (0: none came) and a GraphQL result. */
export async function ask(key, request) {
  let response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      credentials: "omit",
      headers: {
        Accept: "application/graphql-response+json, application/json;q=0.9",
        Authorization: `Bearer ${key}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify(request),
    });
  } catch (error) {
    return { status: 0, result: failure(`The gateway did not answer (${error.message}). Is it running?`) };
  }
  try {
    const body = await response.json();
    const isResult = "data" in body || Array.isArray(body.errors);
    return { status: response.status, result: isResult ? body : failure(body.detail ?? JSON.stringify(body)) };
  } catch {
    return { status: response.status, result: failure(`The gateway answered ${response.status}, but not with JSON.`) };
  }
}

/** The first error's message, if the result has one. */
export const messageOf = (result) => result.errors?.[0]?.message;
