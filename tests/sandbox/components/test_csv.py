"""The CSV components: what they make of a file, which keeps its id."""

import pytest

from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.files import UserFiles
from tests.sandbox.harness import USER_ID, Run, Sandbox, entry

PEOPLE = 'name,age,member\nAda,36,true\n"Ray, Jr.",17,false\nBob,007,true\n'
PLAIN = "1;a\n2;b\n3;c\n"


@pytest.fixture
def files(sandbox: Sandbox) -> UserFiles:
    return UserFiles(sandbox.database, sandbox.clock, USER_ID)


async def run_csv(
    sandbox: Sandbox, name: str, properties: dict[str, Json] | None = None, **fields: Json
) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "csv": entry(f"csv.{name}", "start", properties=properties, fields=fields),
        }
    )


async def edited(
    sandbox: Sandbox, files: UserFiles, name: str, fields: dict[str, Json], content: str = PEOPLE
) -> str:
    """Return what a component makes of a file; without column names when PLAIN."""
    file_id = files.create("people.csv", content.encode())["fileId"]
    plain = content == PLAIN
    properties: dict[str, Json] = {"withHeaders": False} if plain else {}
    run = await run_csv(
        sandbox, name, properties, fileId=file_id, delimiter=";" if plain else ",", **fields
    )
    assert run.errors() == []
    assert run.sent("csv", "fileId") == [{"fileId": file_id}]
    return files.read(file_id).decode()


def where(column: Json, operator: str, value: Json) -> Json:
    return {"OR": [{"AND": [{"column": column, "operator": operator, "value": value}]}]}


def cells(**values: Json) -> Json:
    return {"AND": [{"column": name, "value": value} for name, value in values.items()]}


@pytest.mark.parametrize(
    ("name", "fields", "content"),
    [
        ("AddRow", {"rowWithColumns": cells(member=True, name="Eve")}, f"{PEOPLE}Eve,,true\n"),
        (
            "AddRows",
            {"rows": '[{"name": "Eve", "age": 5}, ["Tom", 6, false]]'},
            f"{PEOPLE}Eve,5,\nTom,6,false\n",
        ),
        (
            "UpdateRows",
            {"filters": where("age", ">", 20), "values": cells(age="37", member=None)},
            'name,age,member\nAda,37,\n"Ray, Jr.",17,false\nBob,007,true\n',
        ),
        (
            "DeleteRows",
            {"filters": where("member", "=", value=True)},
            'name,age,member\n"Ray, Jr.",17,false\n',
        ),
        ("DeleteRows", {"indexes": "0-1"}, "name,age,member\nBob,007,true\n"),
        (
            "AddColumn",
            {
                "columnName": "id", "insertMode": "beforeColumn", "positioningColumn": "name",
                "defaultValue": 0,
            },
            "id,name,age,member\n0,Ada,36,true\n0,Ray, Jr.,17,false\n0,Bob,007,true\n",
        ),
        (
            "DeleteColumns",
            {"columns": "name, member"},
            "age\n36\n17\n007\n",
        ),
        (
            "RenameColumn",
            {"columnName": "age", "newColumnName": "years"},
            'name,years,member\nAda,36,true\n"Ray, Jr.",17,false\nBob,007,true\n',
        ),
    ],
)  # fmt: skip
async def test_a_file_with_column_names_is_changed_in_place(
    sandbox: Sandbox, files: UserFiles, name: str, fields: dict[str, Json], content: str
) -> None:
    assert await edited(sandbox, files, name, fields) == content


@pytest.mark.parametrize(
    ("name", "fields", "content"),
    [
        ("AddRow", {"row": "4;d"}, f"{PLAIN}4;d\n"),
        ("AddRow", {"row": [4, None]}, f"{PLAIN}4;\n"),
        ("UpdateRows", {"filters": where(0, ">=", 2), "values": cells(**{"1": "x"})},
         "1;a\n2;x\n3;x\n"),
        ("DeleteRows", {"indexes": "0, 2-9"}, "2;b\n"),
        ("AddColumn", {"index": 0, "defaultValue": "-"}, "1;-;a\n2;-;b\n3;-;c\n"),
        ("AddColumn", {"defaultValue": "-"}, "1;a;-\n2;b;-\n3;c;-\n"),
        ("DeleteColumns", {"indexes": "0"}, "a\nb\nc\n"),
    ],
)  # fmt: skip
async def test_without_column_names_positions_tell_rows_and_columns(
    sandbox: Sandbox, files: UserFiles, name: str, fields: dict[str, Json], content: str
) -> None:
    assert await edited(sandbox, files, name, fields, PLAIN) == content


async def test_a_row_goes_on_a_line_of_its_own(sandbox: Sandbox, files: UserFiles) -> None:
    changed = await edited(sandbox, files, "AddRow", {"rowWithColumns": cells(a=1)}, "a,b\r\n3,4")

    assert changed == "a,b\r\n3,4\n1,\n"


async def test_create_csv_stores_the_text_and_tells_the_columns(
    sandbox: Sandbox, files: UserFiles
) -> None:
    fields: dict[str, Json] = {
        "filename": "a.csv",
        "initialContent": "name,fileId\nAda,1",
        "delimiter": ",",
    }

    run = await run_csv(sandbox, "CreateCSV", None, **fields)

    (told,) = run.sent("csv")
    assert told["name"] == "name"
    assert files.read(told["fileId"]) == b"name,fileId\nAda,1"
    assert files.info(told["fileId"])["contentType"] == "text/csv"


async def test_the_columns_that_create_csv_will_have_are_known_before_it_runs() -> None:
    component = components.find("appmixer.utils.csv.CreateCSV")
    assert component is not None
    assert component.further_variables is not None

    known = component.further_variables(
        "out",
        entry("csv.CreateCSV", "start", fields={"initialContent": "name;age", "delimiter": ";"}),
    )
    unknown = component.further_variables(
        "out", entry("csv.CreateCSV", "start", fields={"initialContent": "{{{$.start.out.csv}}}"})
    )

    assert known == ("name", "age")
    assert unknown == ()


async def test_import_tells_the_columns_and_export_the_content(
    sandbox: Sandbox, files: UserFiles
) -> None:
    file_id = files.create("a.csv", PEOPLE.encode())["fileId"]

    imported = await run_csv(sandbox, "ImportCSV", fileId=file_id)
    exported = await run_csv(sandbox, "ExportCSV", fileId=file_id)

    assert imported.sent("csv") == [
        {"name": "name", "age": "age", "member": "member", "fileId": file_id}
    ]
    assert exported.sent("csv", "content") == [{"content": PEOPLE}]


ADA = {"name": "Ada", "age": 36, "member": True}
RAY = {"name": "Ray, Jr.", "age": 17, "member": False}
BOB = {"name": "Bob", "age": "007", "member": True}


@pytest.mark.parametrize(
    ("name", "fields", "sent"),
    [
        ("GetRow", {"filters": where("age", "<", "20")}, {"row": RAY}),
        ("GetRow", {"index": 2}, {"row": BOB}),
        ("GetRow", {"filters": where("name", "=", "ada")}, {"row": None}),
        (
            "GetRow",
            {"filters": where("name", "regex", "^B"), "rowFormat": "array", "parseBooleans": False},
            {"row": ["Bob", "007", "true"]},
        ),
        (
            "GetRow",
            {"filters": where("age", "=", 36), "parseNumbers": "false"},
            {"row": {**ADA, "age": "36"}},
        ),
        ("GetRows", {"filters": where("age", "!=", 7)}, {"rows": [ADA, RAY]}),
        ("GetRows", {"filters": where("member", "=", "true")}, {"rows": [ADA, BOB]}),
        ("GetRows", {}, {"rows": [ADA, RAY, BOB]}),
        ("GetCell", {"filters": where("name", "=", "Ada"), "column": "age"}, {"cell": 36}),
        ("GetCell", {"index": 9, "column": "age"}, {"cell": None}),
    ],
)
async def test_rows_and_cells_are_looked_up(
    sandbox: Sandbox, files: UserFiles, name: str, fields: dict[str, Json], sent: dict[str, Json]
) -> None:
    file_id = files.create("a.csv", PEOPLE.encode())["fileId"]

    run = await run_csv(sandbox, name, fileId=file_id, **fields)

    assert run.sent("csv") == [{"fileId": file_id, **sent}]


async def test_rows_can_be_sent_one_by_one(sandbox: Sandbox, files: UserFiles) -> None:
    content = "number\n" + "\n".join(str(number) for number in range(150))
    file_id = files.create("a.csv", content.encode())["fileId"]

    run = await run_csv(sandbox, "GetRows", {"filterRows": False}, fileId=file_id, allAtOnce=False)

    assert run.sent("csv") == [
        {"fileId": file_id, "rows": {"number": number}} for number in range(150)
    ]


async def test_rows_that_many_messages_add_at_once_are_all_there(
    sandbox: Sandbox, files: UserFiles
) -> None:
    file_id = files.create("a.csv", b"number\n")["fileId"]
    row = {"AND": [{"column": "number", "value": "{{{$.each.item.value}}}"}]}

    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "each": entry("controls.Each", "start", fields={"list": list(range(40))}),
            "add": entry(
                "csv.AddRow", ("each", "item"), fields={"fileId": file_id, "rowWithColumns": row}
            ),
        }
    )

    assert len(run.sent("add", "fileId")) == 40
    rows = files.read(file_id).decode().split()
    assert sorted(rows[1:], key=int) == [str(number) for number in range(40)]


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("AddRow", {"rowWithColumns": cells(nom="x")}, "name, age, member"),
        ("AddRow", {"rowWithColumns": "half{"}, "JSON"),
        ("AddRows", {"rows": "text"}, "JSON"),
        ("AddRows", {"rows": [{"nom": 1}]}, "name, age, member"),
        ("AddRows", {"rows": [None]}, "list of cells"),
        ("GetRow", {}, "say which rows"),
        ("DeleteRows", {"filters": {"OR": []}}, "say which rows"),
        ("DeleteRows", {"indexes": "0-99999999"}, "too many"),
        ("DeleteRows", {"indexes": ",".join(["0-300000"] * 2)}, "too many"),
        ("DeleteRows", {"indexes": "-1"}, "0,3,6-7"),
        ("GetRow", {"filters": where("age", "~", 1)}, "= != > >="),
        ("GetRow", {"filters": where("age", "regex", "(")}, "regular expression"),
        ("GetRow", {"filters": where("nom", "=", 1)}, "name, age, member"),
        ("GetRow", {"index": 0, "delimiter": "::"}, "one character"),
        ("RenameColumn", {"columnName": "age", "newColumnName": "name"}, "no column has"),
        ("AddColumn", {"columnName": ""}, "no column has"),
        ("AddColumn", {"columnName": "a", "insertMode": "x", "positioningColumn": "age"}, "after"),
        ("DeleteColumns", {}, "which columns"),
    ],
)
async def test_a_csv_component_says_what_is_wrong_and_leaves_the_file(
    sandbox: Sandbox, files: UserFiles, name: str, fields: dict[str, Json], why: str
) -> None:
    file_id = files.create("a.csv", PEOPLE.encode())["fileId"]

    run = await run_csv(sandbox, name, **{"fileId": file_id, "delimiter": ",", **fields})

    assert why in run.errors("csv")[0]["message"]
    assert len(run.unprocessed()) == 1
    assert files.read(file_id) == PEOPLE.encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a,b\n\xff,1\n", "UTF-8"),
        (b"," * 500_000, "500,000 cells"),
        (b'a\n"' + b"x" * 200_000, "field larger"),
    ],
)
async def test_a_file_that_is_no_csv_or_too_large_is_refused(
    sandbox: Sandbox, files: UserFiles, content: bytes, why: str
) -> None:
    file_id = files.create("a.csv", content)["fileId"]

    run = await run_csv(sandbox, "GetRows", fileId=file_id)

    assert why in run.errors("csv")[0]["message"]
    assert len(run.unprocessed()) == 1


async def test_the_private_helpers_tell_inputs_and_columns(
    sandbox: Sandbox, files: UserFiles
) -> None:
    file_id = files.create("a.csv", PEOPLE.encode())["fileId"]

    of_file = await run_csv(sandbox, "GenerateOutputPort", {"fileId": file_id})
    of_text = await run_csv(
        sandbox, "GenerateOutputPort", {"initialContent": "x;y\n1;2", "delimiter": ";"}
    )
    inspector = await run_csv(sandbox, "CreateInspector", {"withHeaders": False})

    assert [one["value"] for one in of_file.sent("csv")[0]] == ["fileId", "name", "age", "member"]
    assert [one["value"] for one in of_text.sent("csv")[0]] == ["fileId", "x", "y"]
    assert "indexes" in inspector.sent("csv")[0]["inputs"]


async def test_a_change_that_would_make_the_file_too_large_is_refused(
    sandbox: Sandbox, files: UserFiles
) -> None:
    content = b"a\n" + b"1\n" * 2_000
    file_id = files.create("a.csv", content)["fileId"]

    run = await run_csv(
        sandbox, "AddColumn", fileId=file_id, columnName="b", defaultValue="x" * 10_000
    )

    assert "at most 10,000,000" in run.errors("csv")[0]["message"]
    assert files.read(file_id) == content
