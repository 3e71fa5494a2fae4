-- Messages of components with fire patterns that wait until a pattern fits. They have been taken
-- out of `message`, with everything that `receive` needs of them.
CREATE TABLE parked (
    seq          INTEGER PRIMARY KEY,
    flow_id      TEXT NOT NULL,
    component_id TEXT NOT NULL,
    in_port      TEXT NOT NULL,
    content_json TEXT NOT NULL,                -- after the transform
    outputs_json TEXT NOT NULL                 -- the scope: componentId -> outPort -> content
);
CREATE INDEX parked_by_component ON parked (flow_id, component_id, in_port, seq);
