"""Staff at pages: sign-in at an OpenID provider, sessions kept by the server, forms that only our own pages can send.

A service says `compose(…, face="/desk")`; its pages then ask for `PageStaff` or `page_staff_with(…)`, its forms for
`own_form` besides, and every form holds `<input type="hidden" name="csrf" value="{{ csrf }}">` with `csrf` from `Csrf`.
"""
