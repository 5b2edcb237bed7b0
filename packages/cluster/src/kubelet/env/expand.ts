/**
 * Replaces `$(NAME)` by the variable's value as Kubernetes does: an unknown name stays as written, `$$` is one dollar.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export const expand = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replace(/\$\$|\$\(([^()]*)\)/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (own(variables, name) ?? whole),
  );

const own = (variables: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(variables, name) ? variables[name] : undefined;
