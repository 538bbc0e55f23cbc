"""The calendar page: views, lanes, filters, labels, and drag and drop. Posts are written in
`compose`; the page of one post is in `post_detail`."""
